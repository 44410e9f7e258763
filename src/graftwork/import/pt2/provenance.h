// Where a call of an exported program stands in the model: its metadata, read as hints.
#pragma once

#include "graftwork/import/captured/program.h"
#include "graftwork/import/pt2/schema.h"

namespace graftwork::core::pt2 {

/// The module is the innermost one of "nn_module_stack", the source the last line of "stack_trace" that stands in a
/// file.
captured::Provenance provenance_of(const NameMap<std::string>& metadata);

}  // namespace graftwork::core::pt2
