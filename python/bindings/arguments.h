// Values of an fx graph as arguments of a captured program.
#pragma once

#include <torch/csrc/utils/pybind.h>

#include "graftwork/import/captured/argument.h"

namespace graftwork::python {

/// None, numbers, texts, element types, placements, lists, and what Python names by the classes TensorName, NumberName,
/// OperatorName and SubGraph. Anything else is captured::Unsupported.
core::captured::Argument argument_of(pybind11::handle value);

/// torch.float32 → its element type.
core::captured::ElementType element_type_of(pybind11::handle dtype);

}  // namespace graftwork::python
