// Some of the numbers that layers multiply their weights by.
#pragma once

#include "graftwork/quant/calibrator.h"
#include "graftwork/quant/rounding/layer_inputs.h"

namespace graftwork::core {

/// Of one layer no more rows than this, and no more memory than about that; from so many micro-batches at most.
inline constexpr int64_t kMostRows = 4096;
inline constexpr int64_t kMostRowBytes = int64_t{64} << 20;
inline constexpr int64_t kRowMicroBatches = 256;

/// How a convolution or linear layer reads: what stands in its record.
struct RowForm {
  explicit RowForm(const ModuleRecord& layer);

  /// Numbers that one output position reads, of all groups.
  int64_t width() const { return groups * inputs; }
  /// Rows of that width within the bounds.
  int64_t most_rows() const;
  /// Of `value`, what the layer reads, [groups, rows, inputs]: the rows of `count` output positions, or of all where
  /// there are fewer. They lie on a sequence that leaves no gaps (multiples of the golden ratio), from its element
  /// `first` on.
  at::Tensor rows_of(const at::Tensor& value, int64_t first, int64_t count) const;

  int64_t groups = 1;
  int64_t inputs = 0;                                      ///< Of one group: input channels times taps.
  std::vector<int64_t> kernel, stride, padding, dilation;  ///< By spatial axis; of linear layers empty.
};

/// The rows of layers over the samples that chosen_micro_batches takes, [groups, rows, inputs] each, by layer;
/// undefined for a layer that read nothing. The network runs as in calibrate(), and the same is thrown; Error
/// "data.value" too, where a layer reads NaN or infinity.
std::vector<at::Tensor> layer_rows(const Network& network, const std::vector<LayerInputs>& layers,
                                   const std::vector<RowForm>& forms, const SampleSource& source,
                                   const std::vector<int64_t>& micro_batches, const CalibrationOptions& options);

}  // namespace graftwork::core
