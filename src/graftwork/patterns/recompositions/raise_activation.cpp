// %y = aten.relu.default(%x)   =>   %y = nn.ReLU @path(%x)
#include "graftwork/base/text.h"
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork {
namespace {

struct RaiseActivationPattern final : Pattern {
  Pat x = any();
  Pat act = op({"aten.relu.default", "aten.relu6.default", "aten.hardtanh.default", "aten.clamp.default",
                "aten.leaky_relu.default", "aten.elu.default", "aten.gelu.default", "aten.silu.default",
                "aten.hardswish.default", "aten.hardsigmoid.default", "aten.sigmoid.default", "aten.tanh.default",
                "aten.prelu.default", "aten.mish.default"})(x)
                .and_more_inputs();

  std::string_view name() const override { return "RaiseActivationPattern"; }
  std::vector<Pat> roots() const override { return {act}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& node = match[act];
    if (!node.tensor() || !is_floating(node.tensor()->dtype)) return declined("it does not work on floating point");
    ModuleRecord record = module_at(node, kind_of(node.op()));
    if (const std::string refusal = fill(node, record); !refusal.empty()) return declined(refusal);
    return raise_to(graft, node, std::move(record), {&match[x]});
  }

 private:
  static Symbol kind_of(Symbol op) {
    static const std::vector<std::pair<Symbol, Symbol>> kKinds{{"aten.relu.default", "nn.ReLU"},
                                                               {"aten.relu6.default", "nn.ReLU6"},
                                                               {"aten.hardtanh.default", "nn.ReLU6"},
                                                               {"aten.clamp.default", "nn.ReLU6"},
                                                               {"aten.leaky_relu.default", "nn.LeakyReLU"},
                                                               {"aten.elu.default", "nn.ELU"},
                                                               {"aten.gelu.default", "nn.GELU"},
                                                               {"aten.silu.default", "nn.SiLU"},
                                                               {"aten.hardswish.default", "nn.Hardswish"},
                                                               {"aten.hardsigmoid.default", "nn.Hardsigmoid"},
                                                               {"aten.sigmoid.default", "nn.Sigmoid"},
                                                               {"aten.tanh.default", "nn.Tanh"},
                                                               {"aten.prelu.default", "nn.PReLU"},
                                                               {"aten.mish.default", "nn.Mish"}};
    for (const auto& [operator_name, kind] : kKinds) {
      if (operator_name == op) return kind;
    }
    return {};
  }

  /// Attributes and parameters; the reason when the operator is no such module.
  static std::string fill(const Node& node, ModuleRecord& record) {
    const Symbol op = node.op();
    if (op == Symbol("aten.hardtanh.default") &&
        (number_of(node, "min_val", -1) != 0 || number_of(node, "max_val", 1) != 6)) {
      return "its range is not 0 to 6";
    }
    if (op == Symbol("aten.clamp.default") && (number_of(node, "min", -1) != 0 || number_of(node, "max", -1) != 6)) {
      return "its range is not 0 to 6";
    }
    if (op == Symbol("aten.elu.default") &&
        (number_of(node, "scale", 1) != 1 || number_of(node, "input_scale", 1) != 1)) {
      return "it scales its input or output";
    }
    for (const auto& [name, attr] : {std::pair<Symbol, Symbol>{"aten.leaky_relu.default", "negative_slope"},
                                     {"aten.elu.default", "alpha"},
                                     {"aten.gelu.default", "approximate"}}) {
      if (op != name) continue;
      if (Outcome copied = copy_attr(record, attr, node); !copied) return copied.reason();
    }
    if (op != Symbol("aten.prelu.default")) return {};
    const ParamExpr* slope = parameter_input(node, 1);
    if (!slope) return "its slope is computed in the graph";
    record.set_param("weight", slope->view({slope->type().element_count()}));
    set_attr(record, "num_parameters", slope->type().element_count());
    return {};
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_activation_pattern() { return std::make_shared<RaiseActivationPattern>(); }

}  // namespace graftwork
