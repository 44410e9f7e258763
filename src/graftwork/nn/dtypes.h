// Element types of the graph and of torch.
#pragma once

#include <ATen/ATen.h>

#include <optional>

#include "graftwork/ir/type.h"

namespace graftwork::core {

at::ScalarType to_torch(DType dtype);
/// Nothing for types that the graph has no name for (complex, quantized).
std::optional<DType> from_torch(at::ScalarType type);
/// Element type and extents of a tensor. Throws Error "nn.dtype".
TensorType type_of(const at::Tensor& tensor);

}  // namespace graftwork::core
