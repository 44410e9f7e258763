// Arguments of a .pt2 file as those of a captured program.
#pragma once

#include "graftwork/import/captured/argument.h"
#include "graftwork/import/pt2/schema.h"

namespace graftwork::core::pt2 {

captured::ElementType element_type_of(ScalarType type);
captured::Argument argument_of(Argument argument);

}  // namespace graftwork::core::pt2
