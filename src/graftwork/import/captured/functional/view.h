// Operators whose result shares memory with what they read, and how a write to the result reaches back.
#pragma once

#include "graftwork/base/symbol.h"
#include "graftwork/import/captured/program.h"

namespace graftwork::core::captured {

/// How the elements of a view lie in its source.
enum class ViewKind {
  kNone,      ///< no view: the result is memory of its own
  kSame,      ///< the very same elements in the same order and shape
  kReshape,   ///< the same elements, row-major, in another shape
  kPermute,   ///< the same elements with their dimensions in another order
  kSlice,     ///< a range of one dimension
  kSelect,    ///< one index of one dimension
  kDiagonal,  ///< aten.diagonal
  kSplit,     ///< ranges of one dimension, one a result
  kUnbind,    ///< indices of one dimension, one a result
  kExpand,    ///< one element may stand at several places: read anew, but never written through
  kOpaque,    ///< depends on how memory is laid out: neither read anew nor written through
  kUnknown,   ///< a view or a copy, which the sizes known at export do not tell
};

/// What the call's results are to its first input. Operators that copy only when they must (reshape, contiguous, to)
/// are decided by the shapes and strides of `tensors`, as torch decided when the program was captured.
ViewKind view_kind(const Call& call, const NameMap<TensorMeta>& tensors);

/// Whether the operator changes the shape of the value itself, as aten.t_ does; `functional` is then the operator that
/// makes the changed value.
bool reshapes_itself(Symbol op, Symbol& functional);

/// The numbers, when all are.
std::optional<std::vector<int64_t>> numbers_of(const std::vector<Dim>& values);

}  // namespace graftwork::core::captured
