// An ONNX file run by ONNX Runtime, in a Python process of its own.
#pragma once

#include <ATen/ATen.h>

#include <filesystem>
#include <string>
#include <vector>

#include "graftwork/cli/torch/interrupt.h"
#include "graftwork/quant/loss/divergence.h"

namespace graftwork::core::cli {

struct OnnxResults {
  std::string left_out;                          ///< Why there are none: no python3, no onnxruntime; else empty.
  std::vector<std::string> outputs;              ///< Names, in the file's order.
  std::vector<std::vector<at::Tensor>> batches;  ///< Outputs of each.
  NamedTensors values;                           ///< On the first batch, of those asked for that the file has.
};

/// Runs the file on each batch of inputs, which `inputs` names in their order; those of the file go by name, or by
/// position. `python3` of the PATH does it; no shell is asked. Arrays go through a folder of their own among temporary
/// files, which is removed, by python3 where this process is killed. Throws Error "compare.file" with ONNX Runtime's
/// words, "interrupted", "file.*", "process.*".
OnnxResults run_onnx(const std::filesystem::path& model, const std::vector<std::string>& inputs,
                     const std::vector<std::vector<at::Tensor>>& batches, const std::vector<std::string>& values,
                     const InterruptGuard& interrupt);

}  // namespace graftwork::core::cli
