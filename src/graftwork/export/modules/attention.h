// Attention as one operator.
#pragma once

#include "graftwork/export/lowering.h"

namespace graftwork::core {

/// Writes a call of an attention kernel as ONNX's Attention (opset 23), and binds its result. Where the options do not
/// ask for it, or the operator has no kernel (quantized attention, FP32 regions, operands that are no [samples, heads,
/// tokens, size]), nothing is written and the result is false.
bool lower_attention(Lowering& lowering, const Node& call);

}  // namespace graftwork::core
