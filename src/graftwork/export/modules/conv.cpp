// nn.ConvNd, nn.ConvTransposeNd, nn.Linear.
#include "graftwork/export/module_lowering.h"
#include "graftwork/ir/body.h"

namespace graftwork {
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

std::string conv(Lowering& lowering, const ModuleCall& call) {
  const std::string value = lowering.float_constant(call.path() + ".weight", weight(lowering, call));
  return lower_conv(lowering, call, value, float_param(lowering, call, "bias"));
}

std::string linear(Lowering& lowering, const ModuleCall& call) {
  at::Tensor value = weight(lowering, call);
  if (!is_gemm(call.input_type)) value = value.t();
  return lower_linear(lowering, call, lowering.float_constant(call.path() + ".weight", value),
                      float_param(lowering, call, "bias"));
}

}  // namespace

std::vector<int64_t> both_sides(std::vector<int64_t> padding) {
  const std::vector<int64_t> ends = padding;
  padding.insert(padding.end(), ends.begin(), ends.end());
  return padding;
}

std::string lower_conv(Lowering& lowering, const ModuleCall& call, const std::string& weight, const std::string& bias) {
  std::vector<std::string> inputs{call.inputs[0], weight};
  if (!bias.empty()) inputs.push_back(bias);
  const bool transposed = call.record.kind.str().starts_with("nn.ConvTranspose");
  std::vector<std::pair<std::string, onnx::AttributeValue>> attributes{{"dilations", call.integers("dilation")},
                                                                       {"group", call.integer("groups")},
                                                                       {"kernel_shape", call.integers("kernel_size")}};
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

}  // namespace graftwork
