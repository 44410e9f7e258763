// Types of our graph as ONNX lists them.
#pragma once

#include <string>

#include "graftwork/ir/type.h"
#include "graftwork/onnx/model.h"

namespace graftwork::core {

/// Extents that are not known keep their expression as a name. Throws Error "export.types" for what is no tensor of
/// known shape.
onnx::ValueInfo value_info(const std::string& name, const Type& type);

}  // namespace graftwork::core
