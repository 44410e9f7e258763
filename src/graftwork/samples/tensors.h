// Arrays of files as tensors, and back.
#pragma once

#include <ATen/ATen.h>

#include "graftwork/data/array.h"

namespace graftwork::core {

/// Shares the array's bytes.
at::Tensor to_tensor(const Array& array);
/// A contiguous copy on the CPU.
Array to_array(const at::Tensor& tensor);

}  // namespace graftwork::core
