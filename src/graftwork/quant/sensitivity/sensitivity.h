// What each layer's quantization costs the results: each alone, and all but it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "graftwork/quant/affordable_threads.h"
#include "graftwork/quant/calibrator.h"
#include "graftwork/quant/micro_batch.h"
#include "graftwork/quant/sensitivity/effect.h"
#include "graftwork/quant/sensitivity/partial_network.h"
#include "graftwork/quant/sensitivity/quantized_layers.h"

namespace graftwork::core {

struct LayerSensitivity {
  QuantizedLayer layer;
  Effect alone;    ///< It alone is quantized.
  Effect all_but;  ///< All others are.
};

struct Sensitivity {
  int64_t samples = 0;
  std::vector<Symbol> outputs;
  int64_t classes = 0;     ///< Of the output that the labels are of; 0: no labels.
  Symbol classifier = {};  ///< That output.
  int64_t correct_in_float = 0;
  Effect quantized;                      ///< All layers.
  std::vector<LayerSensitivity> layers;  ///< In the order of the network.
};

/// What was measured already: numbers of Effect for each micro-batch, and in it for each network: the one in floating
/// point, the quantized one, then each layer alone, then all but each.
struct SensitivityRecord {
  std::vector<double> numbers;
  std::vector<uint8_t> done;  ///< For each network of each micro-batch: 1 or 0.
};

struct SensitivityOptions {
  /// Of the source, evenly spread; as many as there are where they are fewer. 0: one in sixteen, one to eight; with
  /// labels all.
  int64_t samples = 0;
  int threads = 0;  ///< As CalibrationOptions::threads.
  /// Class of each sample of the source; empty: none.
  std::vector<int64_t> labels = {};
  /// Networks run, of all.
  Progress progress = {};
  std::function<bool()> interrupted = {};
  /// Is shown what is done after each network, from one thread at a time.
  std::function<void(const SensitivityRecord&)> keep = {};
};

/// The network, it and the quantized one node by node; what a choice gives beside what the one before it gave.
inline constexpr Load kSensitivity{"measuring layers", 3, 2};

/// Measures networks of which some layers are quantized, on samples that are the same for all of them. Figures are of
/// INT8 alone: what is not quantized computes in FP32. They do not depend on the number of threads.
class SensitivityAnalysis {
 public:
  /// `network` is what `quantized` was made of; all must stay. Throws Error "data.labels", "data.empty", "nn.*".
  SensitivityAnalysis(const Network& network, const QuantizationResult& quantized, const PlacementRules& rules,
                      const SampleSource& source, SensitivityOptions options);

  const std::vector<QuantizedLayer>& layers() const { return layers_; }
  int64_t samples() const { return samples_; }
  /// Tells other samples and labels apart. Holds one micro-batch at a time.
  std::string samples_hash() const;
  /// A record of nothing.
  SensitivityRecord empty_record() const;

  /// Goes on where `record` ends. Throws Error "interrupted", "data.*", "nn.*".
  Sensitivity run(SensitivityRecord record) const;
  /// A network with any choice of layers quantized.
  Effect measure(const LayerChoice& choice) const;
  /// Another quantized network with the same inputs and outputs.
  Effect measure(const Network& quantized) const;

 private:
  class Recorder;
  struct Batch {
    int64_t first = 0, samples = 0;
    std::vector<at::Tensor> inputs;
  };

  Batch batch(int64_t index) const;
  size_t networks() const { return 2 + 2 * layers_.size(); }
  const Labels* labels() const { return labels_ ? &*labels_ : nullptr; }
  Effect effect(const Batch& batch, std::span<const at::Tensor> expected, std::span<const at::Tensor> results) const;
  void run_batch(int64_t index, Recorder& recorder) const;
  void run_direction(int64_t index, const Batch& batch, std::span<const at::Tensor> expected, bool is_alone,
                     Recorder& recorder) const;
  Effect measure(const std::function<std::vector<at::Tensor>(std::span<const at::Tensor>)>& run) const;
  void check_interrupted() const;

  const SampleSource& source_;
  SensitivityOptions options_;
  std::vector<QuantizedLayer> layers_;
  std::vector<Symbol> outputs_;
  Batching batching_;
  InferenceRunner float_;
  PartialNetwork partial_;
  std::vector<int64_t> chosen_;  // micro-batches
  int64_t samples_ = 0;
  std::optional<Labels> labels_;
};

}  // namespace graftwork::core
