// nn.MaxPoolNd, nn.AvgPoolNd, and adaptive pooling with windows of one size.
#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/modules/dilated_pool.h"

namespace graftwork::core {
namespace {

/// One axis of a pool whose last window may be cut off by the end (`ceil_mode`).
struct Axis {
  int64_t extent, windows, kernel, stride, padding, dilation;

  /// Behind the values, so that whole windows alone are as many as torch's. Torch leaves out a last window that begins
  /// in the padding; ONNX's inference and NVIDIA's compiler count it.
  int64_t padding_behind() const {
    const Dim covered = Dim(windows - 1) * Dim(stride) + Dim(dilation * (kernel - 1) + 1 - padding);
    return std::max<int64_t>((covered - extent).value(), 0);
  }
  bool counts_a_window_more() const {
    const Dim room = Dim(extent) + Dim(2 * padding + stride - 1 - dilation * (kernel - 1) - 1);
    return room.value() / stride + 1 > windows;
  }
};

/// Of the axes whose extents are known; empty when one is not.
std::vector<Axis> axes_of(const ModuleCall& call, const std::vector<int64_t>& dilation) {
  const std::vector<int64_t> kernel = call.integers("kernel_size");
  const std::vector<int64_t> stride = call.integers("stride");
  const std::vector<int64_t> padding = call.integers("padding");
  const TensorType* in = call.input_type.tensor();
  const TensorType* out = call.output_type.tensor();
  if (!in || !out || in->rank() < kernel.size() || out->rank() != in->rank()) return {};
  std::vector<Axis> axes;
  for (size_t i = 0; i < kernel.size(); ++i) {
    const size_t dim = in->rank() - kernel.size() + i;
    const auto extent = in->dims[dim].maybe_value();
    const auto windows = out->dims[dim].maybe_value();
    if (!extent || !windows) return {};
    axes.push_back({*extent, *windows, kernel[i], stride[i], padding[i], dilation[i]});
  }
  return axes;
}

/// What a dilated pool is padded with behind the values, so that whole windows alone are as many as torch's.
std::vector<int64_t> paddings_behind(const ModuleCall& call, const std::vector<int64_t>& dilation) {
  if (!call.flag("ceil_mode")) return call.integers("padding");
  const std::vector<Axis> axes = axes_of(call, dilation);
  if (axes.empty())
    throw Error("export.pool", "it is dilated, rounds up, and the size of its input is known at run time only",
                "a fixed input size, or ceil_mode=False");
  std::vector<int64_t> paddings;
  for (const Axis& axis : axes) paddings.push_back(axis.padding_behind());
  return paddings;
}

/// `counts_padding`: what is padded takes part in the result.
std::vector<std::pair<std::string, onnx::AttributeValue>> window(const ModuleCall& call,
                                                                 const std::vector<int64_t>& dilation,
                                                                 bool counts_padding) {
  bool ceil_mode = call.flag("ceil_mode");
  std::vector<int64_t> pads = both_sides(call.integers("padding"));
  const std::vector<Axis> axes = ceil_mode ? axes_of(call, dilation) : std::vector<Axis>();
  if (std::any_of(axes.begin(), axes.end(), [](const Axis& axis) { return axis.counts_a_window_more(); })) {
    ceil_mode = false;
    for (size_t i = 0; i < axes.size(); ++i) {
      // Torch counts the padding, and not what a window that is cut off lacks behind it.
      if (counts_padding && axes[i].padding_behind() > axes[i].padding)
        throw Error("export.pool", "one axis ends with a window in the padding, another with one behind it",
                    "count_include_pad=False");
      pads[axes.size() + i] = axes[i].padding_behind();
    }
  }
  return {{"ceil_mode", int64_t{ceil_mode}},
          {"kernel_shape", call.integers("kernel_size")},
          {"pads", std::move(pads)},
          {"strides", call.integers("stride")}};
}

std::string max_pool(Lowering& lowering, const ModuleCall& call) {
  const std::vector<int64_t> dilation = call.integers("dilation");
  const bool is_dilated = std::any_of(dilation.begin(), dilation.end(), [](int64_t step) { return step != 1; });
  if (is_dilated && lowering.options().backend->file.lacks_dilated_pools)
    return lower_dilated_max_pool(lowering, call, paddings_behind(call, dilation));
  auto attributes = window(call, dilation, false);
  attributes.emplace_back("dilations", dilation);
  return lowering.add("MaxPool", call.path(), call.inputs, std::move(attributes), call.output);
}

std::string avg_pool(Lowering& lowering, const ModuleCall& call) {
  const bool counts_padding = call.flag("count_include_pad");
  auto attributes = window(call, std::vector<int64_t>(call.integers("kernel_size").size(), 1), counts_padding);
  attributes.emplace_back("count_include_pad", int64_t{counts_padding});
  return lowering.add("AveragePool", call.path(), call.inputs, std::move(attributes), call.output);
}

/// One value, or windows of one size; empty when their sizes differ.
std::string adaptive_pool(Lowering& lowering, const ModuleCall& call, const char* global, const char* windowed) {
  const std::vector<int64_t> size = call.integers("output_size");
  if (size == std::vector<int64_t>(size.size(), 1))
    return lowering.add(global, call.path(), call.inputs, {}, call.output);
  const TensorType* input = call.input_type.tensor();
  std::vector<int64_t> kernel;
  for (size_t i = 0; i < size.size() && input && input->rank() == size.size() + 2; ++i) {
    const auto extent = input->dims[i + 2].maybe_value();
    if (extent && *extent % size[i] == 0) kernel.push_back(*extent / size[i]);
  }
  if (kernel.size() != size.size()) return "";
  return lowering.add(windowed, call.path(), call.inputs, {{"kernel_shape", kernel}, {"strides", kernel}}, call.output);
}

[[noreturn]] void refuse_windows(const ModuleCall& call) {
  throw Error("export.pool",
              cat("adaptive pooling of ", call.input_type.text(), " to ",
                  attribute_of(call.record, "output_size")->text(), " has windows of unequal size"),
              "a fixed input size that is a multiple of the output size");
}

/// Row i averages the inputs from floor(i · in / out) to before ceil((i + 1) · in / out), as torch does.
at::Tensor averaging_matrix(int64_t in, int64_t out) {
  at::Tensor matrix = at::zeros({out, in}, at::kDouble);
  for (int64_t i = 0; i < out; ++i) {
    const int64_t begin = i * in / out, end = ((i + 1) * in + out - 1) / out;
    matrix[i].slice(0, begin, end).fill_(1.0 / static_cast<double>(end - begin));
  }
  return matrix;
}

/// An average over unequal windows is a product with a constant on each side.
std::string adaptive_avg_pool(Lowering& lowering, const ModuleCall& call) {
  const std::string pooled = adaptive_pool(lowering, call, "GlobalAveragePool", "AveragePool");
  if (!pooled.empty()) return pooled;
  const std::vector<int64_t> size = call.integers("output_size");
  const TensorType* input = call.input_type.tensor();
  const bool is_image = size.size() == 2 && input && input->rank() == 4;
  const auto height = is_image ? input->dims[2].maybe_value() : std::nullopt;
  const auto width = is_image ? input->dims[3].maybe_value() : std::nullopt;
  constexpr int64_t kMostShares = int64_t{1} << 24;
  if (!height || !width) refuse_windows(call);
  if ((Dim(*height) * Dim(size[0])).value() > kMostShares || (Dim(*width) * Dim(size[1])).value() > kMostShares)
    throw Error("export.pool",
                cat("adaptive pooling of ", call.input_type.text(), " has more windows than are written"),
                "a fixed input size that is a multiple of the output size");
  const std::string columns = lowering.float_constant(call.path() + ".columns", averaging_matrix(*width, size[1]).t());
  const std::string rows = lowering.float_constant(call.path() + ".rows", averaging_matrix(*height, size[0]));
  const std::string narrowed = lowering.add("MatMul", call.path() + ".width", {call.inputs[0], columns});
  return lowering.add("MatMul", call.path(), {rows, narrowed}, {}, call.output);
}

std::string adaptive_max_pool(Lowering& lowering, const ModuleCall& call) {
  std::string pooled = adaptive_pool(lowering, call, "GlobalMaxPool", "MaxPool");
  if (pooled.empty()) refuse_windows(call);
  return pooled;
}

}  // namespace

ModuleLowerings pool_lowerings() {
  ModuleLowerings all;
  for (int spatial = 1; spatial <= 3; ++spatial) {
    all.emplace_back(cat("nn.MaxPool", spatial, "d"), max_pool);
    all.emplace_back(cat("nn.AvgPool", spatial, "d"), avg_pool);
    all.emplace_back(cat("nn.AdaptiveAvgPool", spatial, "d"), adaptive_avg_pool);
    all.emplace_back(cat("nn.AdaptiveMaxPool", spatial, "d"), adaptive_max_pool);
  }
  return all;
}

}  // namespace graftwork::core
