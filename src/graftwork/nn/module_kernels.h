// How each module kind runs: the reference semantics.
#pragma once

#include <ATen/ATen.h>

#include <span>

#include "graftwork/nn/fake_quant.h"
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

/// The scale of a QuantStub or WeightFakeQuantize; undefined where it is not calibrated, and so disabled.
at::Tensor scale_of(const ModuleRecord& fake_quantize, const TensorStore& tensors);
/// The codes that a WeightFakeQuantize may use.
QuantRange range_of(const ModuleRecord& weight_fake_quantize);

/// Whether the reference executor can run modules of this kind.
bool has_kernel(Symbol kind);

/// Runs `record` on `inputs`. Throws Error "nn.kernel" for a kind that has none; torch's own errors pass.
at::Tensor run_module(const ModuleRecord& record, std::span<const at::Tensor> inputs, const ModuleContext& context);

}  // namespace graftwork
