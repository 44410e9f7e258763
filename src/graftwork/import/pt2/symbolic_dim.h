// Symbolic sizes and strides of an exported program as those of the graph.
#pragma once

#include "graftwork/import/pt2/schema.h"
#include "graftwork/ir/dim.h"

namespace graftwork::core::pt2 {

/// A number, or an expression over symbols. Equal expressions give equal dims. Throws Error "pt2.expression",
/// "ir.shape".
Dim dim_of(const SymInt& size);

/// The same for a stride, of which nothing is asked but whether it equals another: one that cannot be read is a symbol
/// of its own.
Dim stride_of(const SymInt& stride);

}  // namespace graftwork::core::pt2
