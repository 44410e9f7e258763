// What `run --input` gives, as tensors.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "graftwork/cli/requests.h"
#include "graftwork/ir/graph_module.h"

namespace graftwork::core::cli {

/// One tensor for each input, in signature order: whole arrays from .npy and .npz, and the samples of a picture or a
/// folder one behind the other. An array is read once its name, type and shape are known to fit, and unpacked where
/// that takes no more than `memory_limit` bytes; 0: what the machine has left. Throws Error "usage", "memory.limit",
/// "run.input" (unknown, missing, given twice), "nn.input" (another type or shape), "data.*", each with the input's
/// name and the file.
std::vector<at::Tensor> read_inputs(const GraphModule& module, const std::vector<InputFile>& files,
                                    const ImageOptions& images, int64_t memory_limit);

}  // namespace graftwork::core::cli
