// nn.ConvNd, nn.ConvTransposeNd, nn.Linear.
#include <algorithm>

#include "graftwork/export/module_lowering.h"
#include "graftwork/ir/body.h"

namespace graftwork::core {
namespace {

std::string float_param(Lowering& lowering, const ModuleCall& call, Symbol name) {
  const ParamExpr* expr = call.record.param(name);
  return expr ? lowering.float_constant(call.path() + "." + name.str(), evaluate(*expr, lowering.network().tensors))
              : "";
}

/// As the module runs with it: a trained layer on its own, outside of a kernel, keeps the rounding of its weight.
at::Tensor weight(const Lowering& lowering, const ModuleCall& call) {
  return weight_of(call.record, weight_quantizer(call.record), {lowering.modules(), lowering.network().tensors});
}

bool is_transposed(const ModuleCall& call) { return call.record.kind.str().starts_with("nn.ConvTranspose"); }

/// Whether zeros between the elements of the kernel stand for its dilation.
bool spreads_kernel(const Lowering& lowering, const ModuleCall& call) {
  const auto has_steps = [&](Symbol attr) {
    const std::vector<int64_t> steps = call.integers(attr);
    return std::any_of(steps.begin(), steps.end(), [](int64_t step) { return step > 1; });
  };
  return is_transposed(call) && lowering.options().backend->file.lacks_strided_dilated_deconvolutions &&
         has_steps("stride") && has_steps("dilation");
}

int64_t spread_extent(int64_t elements, int64_t dilation) { return (elements - 1) * dilation + 1; }

at::Tensor spread(const at::Tensor& kernel, const std::vector<int64_t>& dilation) {
  std::vector<int64_t> shape = kernel.sizes().vec();
  for (size_t i = 0; i < dilation.size(); ++i) shape[i + 2] = spread_extent(shape[i + 2], dilation[i]);
  at::Tensor result = at::zeros(shape, kernel.options());
  at::Tensor elements = result;
  for (size_t i = 0; i < dilation.size(); ++i)
    elements = elements.slice(static_cast<int64_t>(i) + 2, 0, std::nullopt, dilation[i]);
  elements.copy_(kernel);
  return result;
}

std::string conv(Lowering& lowering, const ModuleCall& call) {
  const at::Tensor value = stored_weight(lowering, call, weight(lowering, call));
  return lower_conv(lowering, call, lowering.float_constant(call.path() + ".weight", value),
                    float_param(lowering, call, "bias"));
}

std::string linear(Lowering& lowering, const ModuleCall& call) {
  const at::Tensor value = stored_weight(lowering, call, weight(lowering, call));
  return lower_linear(lowering, call, lowering.float_constant(call.path() + ".weight", value),
                      float_param(lowering, call, "bias"));
}

}  // namespace

std::vector<int64_t> both_sides(std::vector<int64_t> padding) {
  const std::vector<int64_t> ends = padding;
  padding.insert(padding.end(), ends.begin(), ends.end());
  return padding;
}

at::Tensor stored_weight(const Lowering& lowering, const ModuleCall& call, const at::Tensor& weight) {
  if (call.record.kind == Symbol("nn.Linear")) return is_gemm(call.input_type) ? weight : weight.t();
  return spreads_kernel(lowering, call) ? spread(weight, call.integers("dilation")) : weight;
}

std::string lower_conv(Lowering& lowering, const ModuleCall& call, const std::string& weight, const std::string& bias) {
  std::vector<std::string> inputs{call.inputs[0], weight};
  if (!bias.empty()) inputs.push_back(bias);
  const bool transposed = is_transposed(call);
  std::vector<int64_t> dilation = call.integers("dilation"), kernel = call.integers("kernel_size");
  if (spreads_kernel(lowering, call)) {
    for (size_t i = 0; i < kernel.size(); ++i) kernel[i] = spread_extent(kernel[i], dilation[i]);
    dilation.assign(dilation.size(), 1);
  }
  std::vector<std::pair<std::string, onnx::AttributeValue>> attributes{
      {"dilations", std::move(dilation)}, {"group", call.integer("groups")}, {"kernel_shape", std::move(kernel)}};
  if (transposed) attributes.emplace_back("output_padding", call.integers("output_padding"));
  attributes.emplace_back("pads", both_sides(call.integers("padding")));
  attributes.emplace_back("strides", call.integers("stride"));
  return lowering.add(transposed ? "ConvTranspose" : "Conv", call.path(), std::move(inputs), std::move(attributes),
                      call.output);
}

bool is_gemm(const Type& input) { return input.tensor() && input.tensor()->rank() == 2; }

std::string lower_linear(Lowering& lowering, const ModuleCall& call, const std::string& weight,
                         const std::string& bias) {
  if (is_gemm(call.input_type)) {
    std::vector<std::string> inputs{call.inputs[0], weight};
    if (!bias.empty()) inputs.push_back(bias);
    return lowering.add("Gemm", call.path(), std::move(inputs), {{"transB", int64_t{1}}}, call.output);
  }
  const std::string product =
      lowering.add("MatMul", call.path(), {call.inputs[0], weight}, {}, bias.empty() ? call.output : "");
  return bias.empty() ? product : lowering.add("Add", call.path() + ".bias_add", {product, bias}, {}, call.output);
}

ModuleLowerings conv_lowerings() {
  return {{"nn.Conv1d", conv},          {"nn.Conv2d", conv},          {"nn.Conv3d", conv},
          {"nn.ConvTranspose1d", conv}, {"nn.ConvTranspose2d", conv}, {"nn.ConvTranspose3d", conv},
          {"nn.Linear", linear}};
}

}  // namespace graftwork::core
