// nn.Flatten, the modules that do nothing in inference, and what quantization puts between kernels.
#include "graftwork/export/module_lowering.h"
#include "graftwork/export/reshape.h"

namespace graftwork::core {
namespace {

std::string flatten(Lowering& lowering, const ModuleCall& call) {
  if (joins_all_but_first(call.record, call.input_type.tensor()))
    return lowering.add("Flatten", call.path(), call.inputs, {{"axis", int64_t{1}}}, call.output);
  return lower_reshape(lowering, call.path(), call.inputs[0], call.input_type, call.output_type, call.output);
}

std::string nothing(Lowering& lowering, const ModuleCall& call) {
  return call.output.empty() ? call.inputs[0] : lowering.add("Identity", call.path(), call.inputs, {}, call.output);
}

/// A stub that is not calibrated is disabled.
std::string quant_stub(Lowering& lowering, const ModuleCall& call) {
  const at::Tensor scale = scale_of(call.record, lowering.network().tensors);
  if (!scale.defined()) return nothing(lowering, call);
  return lowering.quantize_dequantize(call.inputs[0], call.path(), scale.item<float>(),
                                      activation_code_type(call.record, lowering.network().tensors));
}

/// ONNX broadcasts from the last axis: the factors need the axes behind theirs.
std::string channel_scale(Lowering& lowering, const ModuleCall& call) {
  const at::Tensor factors = evaluate(*call.record.param("weight"), lowering.network().tensors);
  std::vector<int64_t> shape(call.input_type.tensor()->rank() - static_cast<size_t>(call.integer("axis")), 1);
  shape[0] = factors.numel();
  const std::string weight = lowering.float_constant(call.path() + ".weight", factors.reshape(shape));
  return lowering.add("Mul", call.path(), {call.inputs[0], weight}, {}, call.output);
}

}  // namespace

bool joins_all_but_first(const ModuleRecord& flatten, const TensorType* input) {
  const int64_t end = *attribute_of(flatten, "end_dim")->get<int64_t>();
  return *attribute_of(flatten, "start_dim")->get<int64_t>() == 1 &&
         (end == -1 || (input && end == static_cast<int64_t>(input->rank()) - 1));
}

ModuleLowerings shape_lowerings() {
  return {{"nn.Flatten", flatten},
          {"nn.Dropout", nothing},
          {"nn.Identity", nothing},
          {"QuantStub", quant_stub},
          {"ChannelScale", channel_scale}};
}

}  // namespace graftwork::core
