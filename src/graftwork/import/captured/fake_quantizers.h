// Fake-quantize operators that read their scale from a buffer.
#pragma once

#include "graftwork/nn/tensor_store.h"

namespace graftwork::core::captured {

/// Networks that were trained with quantization keep scales, zero points and switches in buffers. Makes numbers of
/// them where there is one for the tensor: aten.fake_quantize_per_tensor_affine.tensor_qparams becomes .default.
/// aten.fused_moving_avg_obs_fake_quant.default, whose observer must be switched off, becomes one for the tensor or for
/// each channel, or nothing where it is switched off itself.
void read_fake_quantizers(Network& network);

}  // namespace graftwork::core::captured
