// The activations.
#include "graftwork/export/module_lowering.h"

namespace graftwork::core {
namespace {

ModuleLowering unary(const char* op_type) {
  return [op_type](Lowering& lowering, const ModuleCall& call) {
    return lowering.add(op_type, call.path(), call.inputs, {}, call.output);
  };
}

std::string relu6(Lowering& lowering, const ModuleCall& call) {
  return lowering.add("Clip", call.path(),
                      {call.inputs[0], lowering.float_scalar("zero", 0), lowering.float_scalar("six", 6)}, {},
                      call.output);
}

std::string leaky_relu(Lowering& lowering, const ModuleCall& call) {
  return lowering.add("LeakyRelu", call.path(), call.inputs, {{"alpha", call.number("negative_slope")}}, call.output);
}

std::string elu(Lowering& lowering, const ModuleCall& call) {
  return lowering.add("Elu", call.path(), call.inputs, {{"alpha", call.number("alpha")}}, call.output);
}

std::string gelu(Lowering& lowering, const ModuleCall& call) {
  lowering.need_opset(20);
  return lowering.add("Gelu", call.path(), call.inputs,
                      {{"approximate", *attribute_of(call.record, "approximate")->get<std::string>()}}, call.output);
}

std::string quick_gelu(Lowering& lowering, const ModuleCall& call) {
  const std::string path = call.path();
  const std::string scaled =
      lowering.add("Mul", path + ".scaled", {call.inputs[0], lowering.float_scalar("1.702", 1.702)});
  const std::string gate = lowering.add("Sigmoid", path + ".sigmoid", {scaled});
  return lowering.add("Mul", path, {call.inputs[0], gate}, {}, call.output);
}

std::string silu(Lowering& lowering, const ModuleCall& call) {
  const std::string gate = lowering.add("Sigmoid", call.path() + ".sigmoid", call.inputs);
  return lowering.add("Mul", call.path(), {call.inputs[0], gate}, {}, call.output);
}

std::string hardsigmoid(Lowering& lowering, const ModuleCall& call) {
  return lowering.add("HardSigmoid", call.path(), call.inputs, {{"alpha", 1.0 / 6.0}, {"beta", 0.5}}, call.output);
}

std::string prelu(Lowering& lowering, const ModuleCall& call) {
  // ONNX broadcasts the slope from the last axis: channels need their axes behind them.
  const at::Tensor slope = evaluate(*call.record.param("weight"), lowering.network().tensors);
  const size_t rank = call.input_type.tensor() ? call.input_type.tensor()->rank() : 4;
  std::vector<int64_t> shape(rank > 1 ? rank - 1 : 1, 1);
  shape[0] = slope.numel();
  return lowering.add("PRelu", call.path(),
                      {call.inputs[0], lowering.float_constant(call.path() + ".weight", slope.reshape(shape))}, {},
                      call.output);
}

}  // namespace

ModuleLowerings activation_lowerings() {
  return {{"nn.ReLU", unary("Relu")},
          {"nn.ReLU6", relu6},
          {"nn.LeakyReLU", leaky_relu},
          {"nn.ELU", elu},
          {"nn.GELU", gelu},
          {"QuickGELU", quick_gelu},
          {"nn.SiLU", silu},
          {"nn.Hardswish", unary("HardSwish")},
          {"nn.Hardsigmoid", hardsigmoid},
          {"nn.Sigmoid", unary("Sigmoid")},
          {"nn.Tanh", unary("Tanh")},
          {"nn.PReLU", prelu},
          {"nn.Mish", unary("Mish")}};
}

}  // namespace graftwork::core
