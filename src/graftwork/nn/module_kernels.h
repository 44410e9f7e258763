// How each module kind runs: the reference semantics.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/ivalue.h>

#include <span>

#include "graftwork/nn/fake_quant.h"
#include "graftwork/nn/tensor_store.h"

namespace graftwork::core {

/// Whether batch norm and dropout work on live statistics.
enum class Mode : uint8_t { kEval, kTrain };

/// What a kernel sees of the network.
struct ModuleContext {
  const ModuleTable& modules;
  const TensorStore& tensors;
  Mode mode = Mode::kEval;
  /// Parameters are what a file with FP16 regions holds.
  bool half = false;
};

/// An attribute that is a number, written as a whole one or not.
double number_of(const ModuleRecord& record, Symbol attr);

/// The scale of a QuantStub or WeightFakeQuantize; undefined where it is not calibrated, and so disabled.
at::Tensor scale_of(const ModuleRecord& fake_quantize, const TensorStore& tensors);
/// The codes that a WeightFakeQuantize may use.
QuantRange range_of(const ModuleRecord& weight_fake_quantize);

/// The weight of a layer as the module runs with it: through `quantizer` where there is one that is calibrated.
at::Tensor weight_of(const ModuleRecord& layer, ModuleId quantizer, const ModuleContext& context);

/// Runs a convolution or linear layer as a file with FP16 regions holds it: with the batch norm behind it folded, if
/// there is one, and weight and bias rounded.
at::Tensor run_layer_in_half(const ModuleRecord& layer, const ModuleRecord* batch_norm, const at::Tensor& x,
                             const ModuleContext& context, ModuleId quantizer);

/// Whether the reference executor can run modules of this kind of torch's. Kinds with a body need none.
bool has_kernel(Symbol kind);

/// Runs `record`, a module without a body, on `inputs`; one result, or a tuple. `quantizer`: what its weight goes
/// through (ir/body.h: weight_quantizer). Throws Error "nn.kernel" for a kind that has none; torch's own errors pass.
c10::IValue run_module(const ModuleRecord& record, std::span<const c10::IValue> inputs, const ModuleContext& context,
                       ModuleId quantizer = {});

}  // namespace graftwork::core
