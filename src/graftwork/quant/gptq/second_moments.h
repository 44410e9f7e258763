// Sums of x xᵀ over a set of samples: how the input channels of a layer go together.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include "graftwork/quant/calibrator.h"
#include "graftwork/quant/fixed_point.h"
#include "graftwork/quant/rounding/layer_inputs.h"

namespace graftwork::core {

/// Products of one micro-batch are made in FP32; their sums over the micro-batches in fixed point, as those of
/// ChannelMean, so that neither the order of samples nor threads have an influence. Products beyond ±2⁴⁸ count as that.
/// Safe to add to from many threads.
class SecondMoments {
 public:
  explicit SecondMoments(int64_t channels);

  /// Rows of `values` [..., channels], finite.
  void add(const at::Tensor& values);
  int64_t channels() const { return channels_; }
  /// Rows that were added.
  int64_t rows() const { return rows_; }
  /// Σ x xᵀ, [channels, channels], double.
  at::Tensor value() const;
  /// Memory that one of so many channels takes.
  static int64_t bytes(int64_t channels);

 private:
  int64_t channels_;
  int64_t rows_ = 0;
  std::vector<Fixed> upper_;  // row by row, from the diagonal on
  std::mutex mutex_;
};

/// Adds up what the layers read, over all samples: `moments[i]` of `layers[i]`. The network runs as in calibrate(), and
/// the same is thrown; Error "data.value" too, where a layer reads NaN or infinity.
void collect_second_moments(const Network& network, const std::vector<LayerInputs>& layers, const SampleSource& source,
                            const CalibrationOptions& options, std::vector<SecondMoments*> moments);

}  // namespace graftwork::core
