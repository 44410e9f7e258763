#include "graftwork/quant/inputs/input_probe.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "graftwork/ir/body.h"
#include "graftwork/ir/kind.h"
#include "graftwork/nn/module_kernels.h"

namespace graftwork::core {
namespace {

constexpr int64_t kMostChannels = 4;
constexpr int64_t kMostElements = 512;  // of a patch, whose moments are its square
constexpr int64_t kFewPositions = 256;  // of the window, in one sample

std::vector<int64_t> integers(const ModuleRecord& record, Symbol name) {
  return *attribute_of(record, name)->get<std::vector<int64_t>>();
}

at::Tensor param(const ModuleRecord& record, Symbol name, const TensorStore& tensors) {
  const ParamExpr* expr = record.param(name);
  return expr ? evaluate(*expr, tensors).detach().to(at::kDouble) : at::Tensor();
}

/// The layer and its batch norm, where a convolution of one or two dimensions is the first that reads the input.
struct FirstConv {
  const ModuleRecord* conv = nullptr;
  const ModuleRecord* batch_norm = nullptr;
};

FirstConv first_conv(const GraphModule& module, const Node& input) {
  for (const Node& node : module.graph().nodes()) {
    if (node.kind() != NodeKind::kCallModule) continue;
    const auto inputs = node.inputs();
    const auto slot =
        std::ranges::find(inputs, &input, [](const Use& use) { return static_cast<const Node*>(use.producer()); });
    const ModuleRecord& kernel = module.record(node);
    if (slot == inputs.end() || !kernel.body) continue;
    const Node* read = kernel.body->inputs[static_cast<size_t>(slot - inputs.begin())];
    for (const BodyLayer& layer : kernel.body->layers) {
      const ModuleRecord& conv = module.modules()[kernel.child(layer.role)];
      const bool is_conv = conv.kind == Symbol("nn.Conv2d") || conv.kind == Symbol("nn.Conv1d");
      if (!is_conv || !layer.batch_norm || &layer.call->input(0) != read) continue;
      if (*attribute_of(conv, "groups")->get<int64_t>() != 1) continue;
      return {&conv, &module.modules()[kernel.child(layer.batch_norm->role())]};
    }
  }
  return {};
}

}  // namespace

/// Of one input.
class InputProbe::Input {
 public:
  Input(const Node& input, const Network& network) : name_(input.name()) {
    const std::vector<Dim>& dims = input.tensor()->dims;
    has_channels_ = dims.size() >= 3 && dims[1].is_static() && dims[1].value() <= kMostChannels;
    const FirstConv first = first_conv(network.module, input);
    if (!first.conv) return;
    const at::Tensor mean = param(*first.batch_norm, "running_mean", network.tensors);
    const at::Tensor variance = param(*first.batch_norm, "running_var", network.tensors);
    const at::Tensor weight = param(*first.conv, "weight", network.tensors);
    if (!mean.defined() || !variance.defined() || is_untrained(mean, variance)) return;
    if (weight[0].numel() > kMostElements) return;
    const at::Tensor bias = param(*first.conv, "bias", network.tensors);
    conv_ = first;
    norm_ = {weight.reshape({weight.size(0), -1}),
             bias.defined() ? bias : at::zeros_like(mean),
             mean,
             variance,
             number_of(*first.batch_norm, "eps"),
             weight.size(1),
             {},
             {}};
  }

  void add(const at::Tensor& value, InputSums& sums) const {
    if (value.numel() == 0) return;
    const at::Tensor plain = value.detach().to(at::kDouble);
    const at::Tensor rows = has_channels_ ? plain.transpose(0, 1).reshape({plain.size(1), -1}) : plain.reshape({1, -1});
    const auto [low, high] = at::aminmax(plain);
    sums.min = std::min(sums.min, low.item<double>());
    sums.max = std::max(sums.max, high.item<double>());
    sums.mean.add(rows, 0);
    sums.square.add(rows.square(), 0);
    const at::Tensor patches = conv_.conv ? patches_of(plain) : at::Tensor();
    if (!patches.defined()) return;
    sums.patch_mean.add(patches, 0);
    sums.patch_moment.add((at::mm(patches, patches.t()) / static_cast<double>(patches.size(1))).flatten(), 0);
  }

  InputFacts facts(const InputSums& sums) const {
    const at::Tensor mean = sums.mean.value(), variance = sums.square.value() - mean.square();
    InputFacts facts{name_, sums.min, sums.max, numbers_of(mean), numbers_of(variance.clamp_min(0).sqrt()), {}};
    if (sums.patch_mean.empty()) return facts;
    NormedConv norm = norm_;
    norm.patch_mean = sums.patch_mean.value();
    norm.patch_moment = sums.patch_moment.value().view({norm.weight.size(1), -1});
    facts.expected = {conv_.conv->path, conv_.batch_norm->path, fit_of(norm)};
    return facts;
  }

 private:
  static std::vector<double> numbers_of(const at::Tensor& tensor) {
    return {tensor.const_data_ptr<double>(), tensor.const_data_ptr<double>() + tensor.numel()};
  }

  /// [elements, positions]: what the window covers, at some of its positions where there are many.
  at::Tensor patches_of(const at::Tensor& value) const {
    std::vector<int64_t> kernel = integers(*conv_.conv, "kernel_size"), stride = integers(*conv_.conv, "stride"),
                         padding = integers(*conv_.conv, "padding"), dilation = integers(*conv_.conv, "dilation");
    at::Tensor image = value;
    if (kernel.size() == 1) {
      image = image.unsqueeze(2);
      kernel.insert(kernel.begin(), 1);
      stride.insert(stride.begin(), 1);
      padding.insert(padding.begin(), 0);
      dilation.insert(dilation.begin(), 1);
    }
    if (image.dim() != 4) return {};
    std::array<int64_t, 2> positions{};
    for (size_t i = 0; i < 2; ++i)
      positions[i] =
          (image.size(static_cast<int64_t>(i) + 2) + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) / stride[i] +
          1;
    while (positions[0] * positions[1] > kFewPositions) {  // strides of whole steps, along the longer axis first
      const size_t longer = positions[0] > positions[1] ? 0 : 1;
      stride[longer] *= 2;
      positions[longer] = (positions[longer] + 1) / 2;
    }
    const at::Tensor columns = at::im2col(image, kernel, dilation, padding, stride);
    return columns.transpose(0, 1).reshape({columns.size(1), -1});
  }

  Symbol name_;
  bool has_channels_ = false;  // a few, along the second axis
  FirstConv conv_;
  NormedConv norm_;
};

void InputSums::merge(const InputSums& other) {
  min = std::min(min, other.min);
  max = std::max(max, other.max);
  mean.merge(other.mean);
  square.merge(other.square);
  patch_mean.merge(other.patch_mean);
  patch_moment.merge(other.patch_moment);
}

InputProbe::InputProbe(const Network& network) {
  for (const Node* input : network.module.graph().inputs()) {
    const bool is_float = input->tensor() && is_floating(input->tensor()->dtype);
    inputs_.push_back(is_float ? std::make_unique<Input>(*input, network) : nullptr);
  }
}

InputProbe::~InputProbe() = default;

void InputProbe::look(const std::vector<at::Tensor>& inputs, std::vector<InputSums>& sums) const {
  sums.resize(inputs_.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    // A mask says nothing of scaling.
    if (inputs_[i] && at::isfinite(inputs[i]).all().item<bool>()) inputs_[i]->add(inputs[i], sums[i]);
  }
}

std::vector<InputFacts> InputProbe::facts(const std::vector<InputSums>& sums) const {
  std::vector<InputFacts> found;
  for (size_t i = 0; i < sums.size(); ++i) {
    if (inputs_[i] && !sums[i].mean.empty()) found.push_back(inputs_[i]->facts(sums[i]));
  }
  return found;
}

}  // namespace graftwork::core
