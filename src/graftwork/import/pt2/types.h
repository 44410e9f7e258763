// Types of the exported program as types of the graph.
#pragma once

#include "graftwork/import/pt2/element_types.h"
#include "graftwork/import/pt2/schema.h"
#include "graftwork/ir/type.h"

namespace graftwork::pt2 {

/// A number, or an expression over symbols. Equal expressions give equal dims.
Dim dim_of(const SymInt& size);

/// Unknown when the element type has no name.
Type type_of(const TensorMeta& meta);

}  // namespace graftwork::pt2
