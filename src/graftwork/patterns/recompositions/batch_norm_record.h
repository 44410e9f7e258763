// The record of a batch norm, for the operators that one can be spelled in.
#pragma once

#include "graftwork/base/text.h"
#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork::core {

/// Stages an nn.BatchNormNd in place of `old`. `norm` is the operator with inputs x, [weight, bias,]
/// mean, var; weight and bias may be `none` attributes.
inline Outcome raise_batch_norm(Graft& graft, Node& old, const Node& norm) {
  std::vector<std::pair<Symbol, const ParamExpr*>> params;
  size_t slot = 1;
  for (const Symbol name : {"weight", "bias", "running_mean", "running_var"}) {
    const Attribute* absent = norm.attrs().find(name);
    if (absent && absent->is_none()) continue;
    const ParamExpr* expr = parameter_input(norm, slot++);
    if (!expr) return declined("its " + name.str() + " is computed in the graph");
    if (expr->type().rank() != 1) return declined(cat("its ", name.str(), " is ", expr->type().text()));
    params.emplace_back(name, expr);
  }
  const bool has_statistics = params.size() >= 2 && params[params.size() - 2].first == Symbol("running_mean");
  if (!has_statistics) return declined("it has no running statistics");
  const TensorType* input = norm.input(0).tensor();
  if (!input) return declined("the shape of its input is not known");
  const size_t spatial = input->rank() <= 3 ? 1 : input->rank() - 2;
  ModuleRecord record = module_at(norm, cat("nn.BatchNorm", spatial, "d"));
  record.attrs.set("num_features", params.back().second->type().dims[0].value());
  if (Outcome copied = copy_attr(record, "eps", norm); !copied) return copied;
  if (Outcome copied = copy_attr(record, "momentum", norm); !copied) return copied;
  for (const auto& [name, expr] : params) record.set_param(name, *expr);
  return raise_to(graft, old, std::move(record), {&norm.input(0)});
}

}  // namespace graftwork::core
