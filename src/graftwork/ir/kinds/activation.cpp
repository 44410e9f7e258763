// The activations: one input, the same shape out.
#include "graftwork/ir/kinds/kinds.h"

namespace graftwork {
namespace {

Kind activation(Symbol name, std::vector<AttrSpec> attrs = {}) {
  Kind kind;
  kind.name = name;
  kind.attrs = std::move(attrs);
  kind.shape = same_as_input;
  return kind;
}

}  // namespace

std::vector<Kind> activation_kinds() {
  std::vector<Kind> kinds{
      activation("nn.ReLU"),
      activation("nn.ReLU6"),
      activation("nn.LeakyReLU", {{"negative_slope", AttrForm::number(), Attribute(0.01)}}),
      activation("nn.ELU", {{"alpha", AttrForm::number(), Attribute(1.0)}}),
      activation("nn.GELU", {{"approximate", AttrForm::text(), Attribute("none")}}),
      activation("nn.SiLU"),
      activation("nn.Hardswish"),
      activation("nn.Hardsigmoid"),
      activation("nn.Sigmoid"),
      activation("nn.Tanh"),
      activation("nn.PReLU", {{"num_parameters", AttrForm::integer(1), Attribute(1)}}),
      activation("nn.Mish"),
  };
  for (Kind& kind : kinds) {
    if (kind.name != Symbol("nn.PReLU")) continue;
    kind.params = {{"weight"}};
    kind.param_type = [](const ModuleRecord& record, Symbol) {
      return std::optional(TensorType{DType::kF32, {Dim(*attribute_of(record, "num_parameters")->get<int64_t>())}});
    };
  }
  return kinds;
}

}  // namespace graftwork
