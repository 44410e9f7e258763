// What files are like, by names.
#pragma once

#include <string>

#include "bindings/quantized.h"

namespace graftwork::python {

/// `float_type`: "fp16", "fp32", "bf16". Throws Error "export.float".
FileForm file_form(const std::string& float_type, bool keep_batch_norm);
std::string name_of(const FileForm& form);

}  // namespace graftwork::python
