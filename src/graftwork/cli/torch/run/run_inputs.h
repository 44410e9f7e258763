// What `run --input` gives, as tensors.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "graftwork/cli/requests.h"
#include "graftwork/ir/graph_module.h"

namespace graftwork::core::cli {

/// One tensor for each input, in signature order: whole arrays from .npy and .npz, and the samples of a picture or a
/// folder one behind the other. Throws Error "usage", "run.input" (unknown, missing, given twice), "nn.input" (another
/// type or shape), "data.*", each with the input's name and the file.
std::vector<at::Tensor> read_inputs(const GraphModule& module, const std::vector<InputFile>& files,
                                    const ImageOptions& images);

}  // namespace graftwork::core::cli
