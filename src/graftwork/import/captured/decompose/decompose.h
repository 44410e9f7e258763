// Operators that are made of others give way to those.
#pragma once

#include "graftwork/import/captured/program.h"
#include "graftwork/nn/tensor_store.h"

namespace graftwork::core::captured {

/// Rewrites `program.calls` so that each composite operator (composites.h), and each that we have a decomposition of
/// (decomposition.h), is the operators that it is made of. It is run on tensors without elements under a recorder.
/// Sizes known at run time take two sets of values in turn: what comes out the same is fixed, what changes is one of
/// the sizes. Where that, or anything else, does not work out, the operator stays as it is. Whether anything changed.
///
/// `is_functional`: nothing writes in place any more, so that views of memory may become copies, and complex numbers
/// pairs of real ones (pairs.h). Constants that their forms read are added to `tensors`.
bool decompose(Program& program, TensorStore& tensors, bool is_functional);

}  // namespace graftwork::core::captured
