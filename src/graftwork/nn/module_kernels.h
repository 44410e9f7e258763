// How each module kind runs: the reference semantics.
#pragma once

#include <ATen/ATen.h>

#include <span>

#include "graftwork/nn/tensor_store.h"

namespace graftwork {

/// Whether batch norm and dropout work on live statistics.
enum class Mode : uint8_t { kEval, kTrain };

/// What a kernel sees of the network.
struct ModuleContext {
  const ModuleTable& modules;
  const TensorStore& tensors;
  Mode mode = Mode::kEval;
};

/// An attribute that is a number, written as a whole one or not.
double number_of(const ModuleRecord& record, Symbol attr);

/// Whether the reference executor can run modules of this kind.
bool has_kernel(Symbol kind);

/// Runs `record` on `inputs`. Throws Error "nn.kernel" for a kind that has none; torch's own errors pass.
at::Tensor run_module(const ModuleRecord& record, std::span<const at::Tensor> inputs, const ModuleContext& context);

}  // namespace graftwork
