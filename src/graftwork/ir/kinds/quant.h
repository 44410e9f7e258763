// Which modules fake-quantize.
#pragma once

#include "graftwork/ir/graph.h"

namespace graftwork::core {

/// Whether the node is a QuantStub: it quantizes a tensor between kernels.
bool is_quant_stub(const Node& node);

/// Whether modules of the kind quantize, activations or weights.
bool is_quantizer(Symbol kind);

}  // namespace graftwork::core
