#include "graftwork/ir/kinds/activation.h"

#include "graftwork/ir/kinds/kinds.h"

namespace graftwork::core {

// A new activation is a row here, one in nn/module_kernels.cpp and one in export/modules/activation.cpp.
const std::vector<Activation>& activations() {
  static const std::vector<Activation> rows{
      {"nn.ReLU", {}, {}, {{"aten.relu.default"}}},
      {"nn.ReLU6",
       {},
       {},
       {{"aten.relu6.default"},
        {"aten.hardtanh.default", {{"min_val", 0, -1}, {"max_val", 6, 1}}, "its range is not 0 to 6"},
        {"aten.clamp.default", {{"min", 0, -1}, {"max", 6, -1}}, "its range is not 0 to 6"}}},
      {"nn.LeakyReLU", {{"negative_slope", AttrForm::number(), Attribute(0.01)}}, {}, {{"aten.leaky_relu.default"}}},
      {"nn.ELU",
       {{"alpha", AttrForm::number(), Attribute(1.0)}},
       {},
       {{"aten.elu.default", {{"scale", 1, 1}, {"input_scale", 1, 1}}, "it scales its input or output"}}},
      {"nn.GELU", {{"approximate", AttrForm::text(), Attribute("none")}}, {}, {{"aten.gelu.default"}}},
      {"QuickGELU"},  // as transformers calls it: x · sigmoid(1.702 x)
      {"nn.SiLU", {}, {}, {{"aten.silu.default"}}},
      {"nn.Hardswish", {}, {}, {{"aten.hardswish.default"}}},
      {"nn.Hardsigmoid", {}, {}, {{"aten.hardsigmoid.default"}}},
      {"nn.Sigmoid", {}, {}, {{"aten.sigmoid.default"}}},
      {"nn.Tanh", {}, {}, {{"aten.tanh.default"}}},
      {"nn.PReLU", {{"num_parameters", AttrForm::integer(1), Attribute(1)}}, {{"weight"}}, {{"aten.prelu.default"}}},
      {"nn.Mish", {}, {}, {{"aten.mish.default"}}},
  };
  return rows;
}

std::vector<Symbol> fusible_activations() {
  std::vector<Symbol> kinds;
  for (const Activation& row : activations()) {
    if (row.fusible) kinds.push_back(row.kind);
  }
  return kinds;
}

std::vector<Kind> activation_kinds() {
  std::vector<Kind> kinds;
  for (const Activation& row : activations()) {
    Kind kind;
    kind.name = row.kind;
    kind.attrs = row.attrs;
    kind.params = row.params;
    kind.shape = same_as_input;
    if (kind.name == Symbol("nn.PReLU")) {
      kind.param_type = [](const ModuleRecord& record, Symbol) {
        return std::optional(TensorType{DType::kF32, {Dim(*attribute_of(record, "num_parameters")->get<int64_t>())}});
      };
    }
    kinds.push_back(std::move(kind));
  }
  return kinds;
}

}  // namespace graftwork::core
