// What steps ask to know of a network's values, and what was seen of them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "graftwork/base/symbol.h"
#include "graftwork/quant/channel_amax.h"
#include "graftwork/quant/channel_mean.h"
#include "graftwork/quant/half_probe.h"
#include "graftwork/quant/histogram.h"
#include "graftwork/quant/inputs/input_probe.h"
#include "graftwork/quant/moving_average.h"

namespace graftwork::core {

/// What was seen of one tensor.
struct Range {
  float min = 0;
  float max = 0;
  bool seen = false;
  /// Whether all of it was; NaN and infinity count for no range.
  bool finite = true;
  /// Moving averages of the samples' ends; 0 unless ValueRequest::moving_average.
  float moving_min = 0;
  float moving_max = 0;
  /// Of all values; empty unless ValueRequest::histogram.
  Histogram histogram = {};
  /// Empty unless ValueRequest::mean_axis.
  ChannelMean mean = {};
  /// Empty unless ValueRequest::amax_axis.
  ChannelAmax channel_amax = {};

  void include(float low, float high);
  void merge(const Range& other);
  /// max(|min|, |max|).
  float amax() const;
};

/// Of one value, whose least and largest number are always taken. It has to be finite.
struct ValueRequest {
  /// Whether it becomes codes: then masks in it count as what they are, not as absent.
  bool quantized = false;
  bool histogram = false;
  /// Averages of the ends over the samples, in their order.
  bool moving_average = false;
  /// The axis along which the value has its channels: their means.
  std::optional<int64_t> mean_axis = {};
  /// The same for the largest magnitude of each channel.
  std::optional<int64_t> amax_axis = {};
};

/// What all steps together have to know; one run over the data serves it.
struct StatisticsRequest {
  /// By name of a value, or of an inner value (inner_value_name).
  std::map<Symbol, ValueRequest> values;
  /// Also ranges every other float tensor, which need not be finite.
  bool every_float = false;
  /// Is shown every micro-batch; null: none.
  const HalfProbe* half_probe = nullptr;
  /// Is shown the inputs of every micro-batch; null: none.
  const InputProbe* input_probe = nullptr;

  /// One line for each value: equal requests have equal texts.
  std::string text() const;
};

/// Of a set of micro-batches. All sums in it are exact: the statistics of a set are those of its parts, merged in any
/// order, to the bit.
struct Statistics {
  std::map<std::string, Range> ranges;
  MovingAverage moving = {};
  HalfFindings half = {};
  std::vector<InputSums> inputs = {};  ///< By input; empty unless StatisticsRequest::input_probe.
  /// Of all that has come, from `ranges`: once everything is merged.
  ChannelMeans means = {};
  /// What FP16 cannot hold, where that is known already (scale tables); else `half` and the ranges tell.
  std::optional<WideNodes> wide = {};

  void merge(const Statistics& other);
};

/// Once all is merged: a range for everything that was asked for by name, averages and means where they are read.
void complete(Statistics& statistics, const StatisticsRequest& request);

}  // namespace graftwork::core
