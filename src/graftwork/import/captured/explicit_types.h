// What torch promotes in silence, said in the program.
#pragma once

#include "graftwork/import/captured/program.h"

namespace graftwork::core::captured {

/// Puts a conversion (aten.to.dtype) in front of each operand that an operator reads in another element type than its
/// own, and behind results that are truth values by arithmetic: whoever runs or writes the operators then finds
/// operands of one type. Source: "Type promotion", PyTorch documentation of tensor attributes.
void make_types_explicit(Program& program);

}  // namespace graftwork::core::captured
