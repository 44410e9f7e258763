// Ranges of tensors over a set of samples.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "graftwork/nn/tensor_store.h"
#include "graftwork/quant/channel_amax.h"
#include "graftwork/quant/channel_mean.h"
#include "graftwork/quant/histogram.h"
#include "graftwork/quant/sample_source.h"

namespace graftwork {

/// What was seen of one tensor.
struct Range {
  float min = 0;
  float max = 0;
  bool seen = false;
  /// Whether all of it was; NaN and infinity count for no range.
  bool finite = true;
  /// Moving averages of the samples' ends; as min and max unless CalibrationOptions::moving_averages.
  float moving_min = 0;
  float moving_max = 0;
  /// Of all values; empty unless CalibrationOptions::histograms.
  Histogram histogram = {};
  /// Empty unless CalibrationOptions::channel_axes names the tensor.
  ChannelMean mean = {};
  /// Empty unless CalibrationOptions::channel_amax_axes names the tensor.
  ChannelAmax channel_amax = {};

  void include(float low, float high);
  void merge(const Range& other);
  /// max(|min|, |max|).
  float amax() const;
};

class HalfProbe;

/// Called with samples done and samples in all, from one thread at a time.
using Progress = std::function<void(int64_t done, int64_t total)>;

struct CalibrationOptions {
  /// Worker threads; 0: as many as torch would use. No influence on the result.
  int threads = 0;
  /// Also range every other float tensor (which ones fit FP16).
  bool observe_all = false;
  /// Also count how often magnitudes occur, in the tensors that are asked for by name.
  bool histograms = false;
  /// Also average the ends over the samples, in their order, in the tensors that are asked for by name.
  bool moving_averages = false;
  /// Further values to range, by name.
  std::vector<Symbol> further;
  /// Further tensors, by name, with the axis along which each has its channels: their means are taken too.
  std::unordered_map<Symbol, int64_t> channel_axes;
  /// The same for the largest magnitude of each channel.
  std::unordered_map<Symbol, int64_t> channel_amax_axes = {};
  /// Is shown every micro-batch; null: none.
  HalfProbe* half_probe = nullptr;
  Progress progress;
  /// Polled between micro-batches; true stops with Error "interrupted".
  std::function<bool()> interrupted;
};

/// Ranges by name of a value, or of an inner value (inner_value_name), least and largest over all samples. The network
/// runs as float in micro-batches of a fixed size, each on one thread, many side by side: the result is the same for
/// any number of threads. The micro-batch is one sample, and then the order of samples has no influence either; or,
/// where the graph holds its batch fast, it is that many, and the last one is filled up with copies of the last sample,
/// which histograms and means count too. Masks (nn/mask_values.h) count for no range, empty tensors have none. Throws
/// Error "data.empty", "data.value" (NaN or infinity in a sample, −∞ in a mask aside, or in a tensor that is asked for
/// by name, with the sample), "nn.*".
std::map<std::string, Range> calibrate(const Network& network, const std::vector<Symbol>& tensors,
                                       const SampleSource& source, const CalibrationOptions& options);

}  // namespace graftwork
