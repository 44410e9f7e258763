#include "graftwork/export/modules/narrow_conv.h"

#include <array>
#include <numeric>
#include <utility>

namespace graftwork::core {
namespace {

/// How many axes a convolution of few channels lacks. NVIDIA's compiler takes the length of a sequence for a height.
size_t missing_axes(const ModuleCall& call, const TensorType& input) {
  const bool ends_in_one = input.dims.back() == Dim(1);
  if (call.record.kind == Symbol("nn.Conv1d")) return ends_in_one ? 2 : 1;
  return call.record.kind == Symbol("nn.Conv2d") && ends_in_one ? 1 : 0;
}

bool is_one_sample(const TensorType& input) { return !input.dims[0].is_static() || input.dims[0] == Dim(1); }

}  // namespace

NarrowConvolution::NarrowConvolution(const ModuleCall& call, size_t added)
    : call_(call), record_(call.record), axes_(added) {
  std::iota(axes_.begin(), axes_.end(), 2);
  const std::array<std::pair<Symbol, int64_t>, 4> of_new_axes{
      {{"kernel_size", 1}, {"stride", 1}, {"dilation", 1}, {"padding", 0}}};
  for (const auto& [name, number] : of_new_axes) {
    std::vector<int64_t> values = call.integers(name);
    values.insert(values.begin(), added, number);
    record_.attrs.set(name, std::move(values));
  }
}

at::Tensor NarrowConvolution::weight(at::Tensor codes) const {
  for (const int64_t axis : axes_) codes = codes.unsqueeze(axis);
  return codes;
}

std::string NarrowConvolution::lower(Lowering& lowering, const std::string& weight, const std::string& bias) const {
  const std::string& path = call_.path();
  const std::string axes = lowering.integers(path + ".axes", axes_);
  const std::string input = lowering.add("Unsqueeze", path + ".unsqueeze", {call_.inputs[0], axes});
  const std::string result = lower_conv(lowering, {record_, {input}, {}, {}, {}}, weight, bias);
  return lowering.add("Squeeze", path + ".squeeze", {result, axes}, {}, call_.output);
}

std::optional<NarrowConvolution> as_narrow(const Lowering& lowering, const ModuleCall& call) {
  const TensorType* input = call.input_type.tensor();
  const int64_t most_channels = lowering.options().backend->file.narrow_channels;
  if (most_channels == 0 || !input || !is_one_sample(*input)) return std::nullopt;
  const size_t missing = missing_axes(call, *input);
  if (missing == 0 || call.integer("groups") != 1 || call.integer("in_channels") > most_channels) return std::nullopt;
  return NarrowConvolution(call, missing);
}

}  // namespace graftwork::core
