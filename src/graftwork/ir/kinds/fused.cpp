// Fused modules: the final units of quantization, each one kernel in the engine.
//
// A fused module is data: its steps in order. The shape function here, the reference execution and the
// lowering all walk the same steps, so a new fused kind is one entry of this table.
#include "graftwork/base/text.h"
#include "graftwork/ir/kinds/kinds.h"

namespace graftwork {
namespace {

Type add_shape(const Type& running, const TensorType& other) {
  const TensorType& value = *running.tensor();
  auto dims = broadcast(value.dims, other.dims);
  if (!dims) refuse_shape(cat("cannot add ", value.text(), " and ", other.text()));
  return TensorType{value.dtype, *std::move(dims)};
}

Type fused_shape(const ShapeQuery& query) {
  const Kind& kind = query.kinds->at(query.record->kind);
  Type running = query.tensor(0);
  for (const FusedStep& step : kind.steps) {
    if (step.is_addition()) {
      running = add_shape(running, query.tensor(static_cast<size_t>(step.add_input)));
      continue;
    }
    const ModuleId child = query.record->child(step.role);
    if (!child && step.optional) continue;
    if (!child) refuse_shape(cat(kind.name.str(), " has no part ", step.role.str()));
    running = infer_module((*query.modules)[child], std::span(&running, 1), *query.modules, *query.kinds);
  }
  return running;
}

Kind fused(Symbol name, std::vector<FusedStep> steps, std::vector<int64_t> inputs_to_quantize, Symbol weight_role) {
  Kind kind;
  kind.name = name;
  kind.family = Family::kFused;
  kind.attrs = {{"stubs", AttrForm::integers(0, 0), Attribute(std::vector<int64_t>())}};
  for (const FusedStep& step : steps) {
    if (step.is_addition()) kind.min_inputs = kind.max_inputs = 2;
  }
  kind.steps = std::move(steps);
  kind.inputs_to_quantize = std::move(inputs_to_quantize);
  kind.weight_role = weight_role;
  kind.shape = fused_shape;
  return kind;
}

/// A kind whose stubs depend on its surroundings alone.
Kind surrounded(Kind kind, std::vector<int64_t> may_quantize) {
  kind.may_quantize = std::move(may_quantize);
  return kind;
}

}  // namespace

std::vector<Kind> fused_kinds() {
  const FusedStep conv{"conv"}, bn{"bn", true}, act{"act"}, pool{"pool"}, linear{"linear"};
  const FusedStep residual{"residual", false, 1};
  return {
      fused("FusedConvBN", {conv, bn}, {0}, "conv"),
      fused("FusedConvBNAct", {conv, bn, act}, {0}, "conv"),
      fused("FusedConvBNActMaxPool", {conv, bn, act, pool}, {0}, "conv"),
      fused("FusedConvBNAdd", {conv, bn, residual}, {0, 1}, "conv"),
      fused("FusedConvBNAddAct", {conv, bn, residual, act}, {0, 1}, "conv"),
      fused("FusedLinear", {linear}, {0}, "linear"),
      fused("FusedLinearAct", {linear, act}, {0}, "linear"),
      fused("FusedActAdd", {act, residual}, {0, 1}, {}),
      surrounded(fused("FusedAdaptiveAvgPool2d", {pool}, {}, {}), {0}),
  };
}

}  // namespace graftwork
