// Several projections of one tensor as one layer.
#pragma once

#include <vector>

#include "graftwork/patterns/attention/projection.h"
#include "graftwork/rewrite/graft.h"

namespace graftwork::core {

/// `packed` becomes a layer whose rows are those of the parts, in order, each as [head, number]: the layer that they
/// come from where it is that already, else a new one. Declines where a part is no block of rows.
Outcome pack(std::vector<const Projection*> parts, Graft& graft, ModuleId& packed);

/// The layer's input as [samples, tokens, features]; null where that takes more than one view.
Node* tokens_of(const Projection& part, Graft& graft);

/// Attributes of a projection of `count` parts with the heads of `part`.
void set_heads(ModuleRecord& record, const Projection& part, int64_t count);

}  // namespace graftwork::core
