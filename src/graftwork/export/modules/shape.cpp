// nn.Flatten, and the modules that do nothing in inference.
#include "graftwork/export/module_lowering.h"
#include "graftwork/export/reshape.h"

namespace graftwork {
namespace {

std::string flatten(Lowering& lowering, const ModuleCall& call) {
  const TensorType* input = call.input_type.tensor();
  const int64_t end = call.integer("end_dim");
  const bool plain =
      call.integer("start_dim") == 1 && (end == -1 || (input && end == static_cast<int64_t>(input->rank()) - 1));
  if (plain) return lowering.add("Flatten", call.path(), call.inputs, {{"axis", int64_t{1}}}, call.output);
  return lower_reshape(lowering, call.path(), call.inputs[0], call.input_type, call.output_type, call.output);
}

std::string nothing(Lowering& lowering, const ModuleCall& call) {
  return call.output.empty() ? call.inputs[0] : lowering.add("Identity", call.path(), call.inputs, {}, call.output);
}

/// A stub that is not calibrated is disabled.
std::string quant_stub(Lowering& lowering, const ModuleCall& call) {
  const at::Tensor scale = scale_of(call.record, lowering.network().tensors);
  if (!scale.defined()) return nothing(lowering, call);
  return lowering.quantize_dequantize(call.inputs[0], call.path(), scale.item<float>());
}

}  // namespace

ModuleLowerings shape_lowerings() {
  return {{"nn.Flatten", flatten}, {"nn.Dropout", nothing}, {"nn.Identity", nothing}, {"QuantStub", quant_stub}};
}

}  // namespace graftwork
