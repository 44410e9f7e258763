// Fake-quantize modules: QuantStub on activations, WeightFakeQuantize on weights.
//
// q = clamp(round_half_even(x / scale), quant_min, quant_max); x̂ = q · scale. Symmetric: no zero point. `precision`
// says which codes there are (nn/fake_quant.h); with a `block_size` each row of a weight has a scale for so many
// elements.
//
// `given_scale` comes with networks that were trained with fake-quantize operators; 0 stands for no such scale. A
// `zero_point` comes with those, and of affine recipes; one that is not 0 runs, and is refused by export (rule V1).
#include "graftwork/ir/kinds/kinds.h"

namespace graftwork {

std::vector<Kind> quant_kinds() {
  Kind stub;
  stub.name = "QuantStub";
  stub.family = Family::kQuant;
  stub.attrs = {{"precision", AttrForm::text(), Attribute("int8")},
                {"given_scale", AttrForm::number(), Attribute(0.0)}};
  stub.params = {{"scale", true, true}, {"zero_point", true, true}};
  stub.shape = same_as_input;
  stub.param_type = [](const ModuleRecord&, Symbol) { return std::optional(TensorType{DType::kF32, {}}); };

  Kind weight;
  weight.name = "WeightFakeQuantize";
  weight.family = Family::kQuant;
  weight.attrs = {{"precision", AttrForm::text(), Attribute("int8")},
                  {"axis", AttrForm::integer(0), Attribute(0)},
                  {"quant_min", AttrForm::integer(-128), Attribute(-127)},
                  {"block_size", AttrForm::integer(0), Attribute(0)},
                  {"given_scale", AttrForm::number(), Attribute(0.0)}};
  weight.params = {{"scale", true, true}, {"zero_point", true, true}};
  weight.shape = same_as_input;
  return {stub, weight};
}

}  // namespace graftwork
