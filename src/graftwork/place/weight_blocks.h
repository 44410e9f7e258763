// Weights in blocks along the input channels, which only the weights of linear layers are stored in.
#pragma once

#include <cstdint>

#include "graftwork/base/outcome.h"
#include "graftwork/ir/module_table.h"

namespace graftwork::core {

/// Input channels that share a scale (rule Q1: what TensorRT has kernels for).
constexpr bool is_block_size(int64_t size) { return size == 64 || size == 128; }
inline constexpr const char* kBlockSizes = "64 and 128 are supported (rule Q1)";

/// Whether the weight of the layer can be stored in blocks of `size` INT4 codes: that of a linear layer whose channels
/// they divide, into several.
Outcome fits_blocks(const ModuleRecord& layer, int64_t size);

}  // namespace graftwork::core
