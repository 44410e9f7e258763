// The record of a convolution, for the operators that one can be spelled in.
#pragma once

#include <vector>

#include "graftwork/base/outcome.h"
#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork::core {

/// aten.convNd in both spellings of padding, aten.conv_transposeNd, aten.convolution.
std::vector<Symbol> convolution_operators();

/// A convolution as a module; what of padding="same" is not the same on both sides stands in front of it.
struct RaisedConv {
  ModuleRecord record;
  std::vector<int64_t> pad_in_front;  ///< As aten.pad takes it; empty: none.
};

/// What `node` is on this weight and on the bias in its third input. Declines when an argument is computed in the
/// graph.
Outcome read_conv(const Node& node, const ParamExpr& weight, RaisedConv& raised);

/// Puts it in place of `node`, reading `x`.
Outcome replace_by_conv(Graft& graft, Node& node, Node& x, RaisedConv raised);

}  // namespace graftwork::core
