// Padding that a pool can do itself.
#pragma once

#include "graftwork/onnx/model.h"

namespace graftwork::core::onnx {

/// A MaxPool that reads a Pad with −∞ along axes of its windows reads what is padded and pads by itself, as engines do
/// in low precision too: with Q/DQ around it, −∞ has no code. The Pad stays where it is, for prune. Not where the pool
/// rounds up, and not where its windows could then lie in the padding altogether. Linear.
void fold_padding(Graph& graph);

}  // namespace graftwork::core::onnx
