// The record of a linear layer, for the operators that one can be spelled in.
#pragma once

#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork::core {

/// `weight` is [out, in]; `bias` is [out] or null.
inline ModuleRecord linear_record(const Node& node, const ParamExpr& weight, const ParamExpr* bias) {
  ModuleRecord record = module_at(node, "nn.Linear");
  record.attrs = {{"in_features", weight.type().dims[1].value()}, {"out_features", weight.type().dims[0].value()}};
  record.set_param("weight", weight);
  if (bias) record.set_param("bias", *bias);
  return record;
}

}  // namespace graftwork::core
