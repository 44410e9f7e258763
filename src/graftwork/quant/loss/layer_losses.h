// How good a quantized network is: what its results lose, and which kernels lose it.
#pragma once

#include <functional>
#include <vector>

#include "graftwork/nn/tensor_store.h"
#include "graftwork/quant/affordable_threads.h"
#include "graftwork/quant/loss/signal_error.h"
#include "graftwork/quant/sample_source.h"

namespace graftwork::core {

struct OutputLoss {
  Symbol output;
  SignalError error;
};

/// Of a module that reads INT8.
struct KernelLoss {
  Symbol module;    ///< Its path.
  Symbol layer;     ///< Path of its first layer; its own where it has none.
  Symbol value;     ///< What it gives; one of several results.
  SignalError own;  ///< Of its own quantization: on the inputs that it has in floating point.
  SignalError all;  ///< With everything in front of it quantized too.
};

struct Losses {
  int64_t samples = 0;
  std::vector<OutputLoss> outputs;  ///< Those of floating point, in the signature's order.
  std::vector<KernelLoss> kernels;  ///< In the order of the network.
};

struct LossOptions {
  /// Of the source, evenly spread; as many as there are where they are fewer. 0: one in sixteen, one to eight.
  int64_t samples = 0;
  int threads = 0;  ///< As CalibrationOptions::threads.
  std::function<bool()> interrupted = {};
};

/// The network and the quantized one; three runs of a micro-batch side by side.
inline constexpr Load kLosses{"measuring what quantization loses", 2, 3};

/// Compares `quantized` with `network`, from which quantize() made it. Of INT8 alone: both compute in FP32 what is not.
/// Micro-batches run side by side, or, where they are fewer than threads, one after the other on all of them. Throws
/// Error "interrupted", "data.*", "nn.*".
Losses measure_losses(const Network& network, const Network& quantized, const SampleSource& source,
                      const LossOptions& options);

/// The kernels that lose most by their own quantization, at most `count`, the worst first.
std::vector<const KernelLoss*> worst_kernels(const Losses& losses, size_t count);

}  // namespace graftwork::core
