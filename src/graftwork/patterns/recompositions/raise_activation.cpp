// %y = aten.relu.default(%x)   =>   %y = nn.ReLU @path(%x)
//
// The rows of ir/kinds/activation.cpp, from operators back to modules.
#include "graftwork/ir/kinds/activation.h"
#include "graftwork/patterns/recompositions/patterns.h"
#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork::core {
namespace {

struct Row {
  const Activation* activation = nullptr;
  const ActivationOperator* source = nullptr;
};

Row row_of(Symbol op) {
  for (const Activation& activation : activations()) {
    for (const ActivationOperator& one : activation.operators) {
      if (one.op == op) return {&activation, &one};
    }
  }
  return {};
}

std::vector<Symbol> activation_operators() {
  std::vector<Symbol> ops;
  for (const Activation& activation : activations()) {
    for (const ActivationOperator& one : activation.operators) ops.push_back(one.op);
  }
  return ops;
}

struct RaiseActivationPattern final : Pattern {
  Pat x = any();
  Pat act = op(std::span<const Symbol>(activation_operators()))(x).and_more_inputs();

  std::string_view name() const override { return "RaiseActivationPattern"; }
  std::vector<Pat> roots() const override { return {act}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& node = match[act];
    if (!node.tensor() || !is_floating(node.tensor()->dtype)) return declined("it does not work on floating point");
    const auto [activation, source] = row_of(node.op());
    for (const ActivationOperator::Required& required : source->required) {
      if (number_of(node, required.attr, required.when_absent) != required.value) return declined(source->otherwise);
    }
    ModuleRecord record = module_at(node, activation->kind);
    for (const AttrSpec& spec : activation->attrs) {
      if (Outcome copied = copy_attr(record, spec.name, node); !copied) return copied;
    }
    if (!activation->params.empty()) {
      if (Outcome slope = set_slope(node, record); !slope) return slope;
    }
    return raise_to(graft, node, std::move(record), {&match[x]});
  }

 private:
  /// PReLU, the one activation with a parameter.
  static Outcome set_slope(const Node& node, ModuleRecord& record) {
    const ParamExpr* slope = parameter_input(node, 1);
    if (!slope) return declined("its slope is computed in the graph");
    record.set_param("weight", slope->view({slope->type().element_count()}));
    set_attr(record, "num_parameters", slope->type().element_count());
    return applied();
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_activation_pattern() { return std::make_shared<RaiseActivationPattern>(); }

}  // namespace graftwork::core
