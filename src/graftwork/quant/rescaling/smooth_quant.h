// SmoothQuant: differences between the channels of an activation move into the weights behind it.
#pragma once

#include <optional>
#include <vector>

#include "graftwork/nn/tensor_store.h"
#include "graftwork/place/stub_plan.h"
#include "graftwork/quant/calibrator.h"

namespace graftwork::core {

/// A norm, or the layer that makes the values of attention, and the layers that read its channels.
struct SmoothedPair {
  Symbol source;                     ///< Path of the norm or layer; of the attention where no layer makes its values.
  std::vector<Symbol> readers;       ///< Paths of the layers.
  std::optional<double> alpha = {};  ///< Nothing where a limit serves better.
  std::optional<double> limit = {};  ///< What the channels above it come down to.
  double smallest = 1;               ///< Of the factors s: the source's weight is divided by them.
  double largest = 1;
  /// Largest magnitude of each channel of what the source gives, before anything moved: [channels], float.
  /// Undefined where nothing moved.
  at::Tensor channel_amax = {};
  std::string refusal = {};  ///< Why nothing was moved; empty where it was.
};

/// Changes the weights of `network`, a copy whose tensors are shared, so that its function stays what it was: x_j / s_j
/// leaves a norm or goes into attention, and W_j · s_j meets it, s_j = max|x_j|^α / max|W_j|^(1 − α) over the samples
/// and over the readers that `plan` quantizes, 1 where either is 0 (Xiao et al. 2023, "SmoothQuant", equation 4). What
/// one of `patterns` takes and what leads into layers alone, one of which is quantized, is paired; others are listed
/// with what is in the way. Where α is searched, SmoothingSearch says which, or that a limit on the largest channels
/// serves better. Throws Error "config.skip", "config.smooth_quant" for an entry that fits nothing, and what
/// calibrate() does.
std::vector<SmoothedPair> smooth_quant(Network& network, const StubPlan& plan, const SampleSource& samples,
                                       const QuantConfig& config, const SmoothingList& patterns,
                                       const CalibrationOptions& options);

/// Throws Error "config.skip", "config.smooth_quant" as smooth_quant() does, and needs no samples for it.
void check_smooth_quant(const Network& network, const StubPlan& plan, const QuantConfig& config,
                        const SmoothingList& patterns);

}  // namespace graftwork::core
