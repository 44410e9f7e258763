// Tensors that a lowering has stored more than once.
#pragma once

#include "graftwork/onnx/model.h"

namespace graftwork::core::onnx {

/// Smaller tensors stay where they are: their names say what they belong to.
inline constexpr uint64_t kLeastSharedBytes = 1024;

/// Of initializers of at least kLeastSharedBytes with the same type, shape and bytes the first stays, and who read
/// another one reads it. One whose name is an output of the graph stays too. Linear in the bytes of those that are
/// stored more than once.
void share_initializers(Graph& graph);

}  // namespace graftwork::core::onnx
