// Operators that Q and DQ pass.
#pragma once

#include "graftwork/ir/graph.h"

namespace graftwork {

/// Whether the operator gives the elements of its one input another order or shape: a stub behind it is the stub in
/// front of it (rule C2; nearest resizing is none of them, as DQ does not cross it).
bool moves_data(Symbol op);

/// Whether a kernel that reads INT8 can write INT8 of the same scale: data movement, parts, concatenation, maxima.
bool keeps_int8(Symbol op);

/// Whether the stub has to stand behind the operator: DQ does not cross it, and in front of it a stub would leave the
/// next layer in floating point (rule C2).
bool stops_dq(Symbol op);

/// The value behind which nothing but data movement leads to `value`.
Node& before_data_movement(Node& value);

/// The tensor that the stub of a reader of `value` belongs to: in front of data movement that nobody else reads.
Node& quantized_tensor(Node& value);

}  // namespace graftwork
