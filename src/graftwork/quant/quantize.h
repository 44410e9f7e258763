// quantize: plan, calibrate, freeze.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "graftwork/nn/tensor_store.h"
#include "graftwork/place/stub_plan.h"
#include "graftwork/quant/calibrator.h"
#include "graftwork/quant/inputs/input_facts.h"
#include "graftwork/quant/loss/layer_losses.h"
#include "graftwork/quant/rescaling/cross_layer_equalization.h"
#include "graftwork/quant/rescaling/outlier_channels.h"
#include "graftwork/quant/rescaling/smooth_quant.h"
#include "graftwork/quant/scale_table.h"

namespace graftwork::core {

struct QuantizeOptions {
  CalibrationOptions calibration;
  /// Type of the float regions: scales are rounded to it before anything uses them. kF32, kF16 or kBF16.
  DType float_type = DType::kF16;
  /// Export leaves batch norms as they are: the scales of weights are not those of folded ones.
  bool keep_batch_norm = false;
  std::shared_ptr<const Backend> backend;  ///< Null: the one that is used (get_backend).
  /// Where Q/DQ go; absent: as plan_stubs decides. The recipe's modules to skip then count for nothing.
  std::optional<StubPlan> plan;
  /// Scales that hold instead of what calibration would find. Where the table says all that data would tell, there need
  /// be no samples: nothing is calibrated, and without a sample nothing is measured.
  std::optional<ScaleTable> scales;
  /// Called with layers done and layers in all while codes are chosen by training (WeightRounding::kAdaRound).
  Progress rounding_progress = {};
  /// Whether and how to measure what quantization loses.
  std::optional<LossOptions> losses;
};

struct QuantizationResult {
  /// Fake-quantized: stubs and weight fake-quantizes have their scales, and where FP16 cannot hold what was seen, nodes
  /// are wide. Shares the input's tensors.
  Network network;
  /// What became of the network that was given before it was quantized: channels rescaled, where the recipe asks for
  /// it. The same function, without codes.
  Network unquantized = {};
  StubPlan plan = {};
  /// By value name; every float tensor when float_type is kF16.
  std::map<std::string, Range> ranges = {};
  int64_t samples = 0;
  /// How the ranges of activations and of weights were found.
  CalibrationMethod method = CalibrationMethod::kMinMax;
  CalibrationMethod weight_method = CalibrationMethod::kMinMax;
  /// How many biases and running means make up for the rounding of weights.
  int64_t corrected_biases = 0;
  /// How many weights have codes that were chosen together (WeightRounding).
  int64_t rounded_weights = 0;
  /// SampleSource::facts.
  std::vector<std::string> sample_facts = {};
  std::vector<std::string> warnings = {};
  /// What the data look like, and whether they are scaled as in training.
  std::vector<InputFacts> inputs = {};
  /// Names of the stored tensors that rescaling added to the network's: constants, which nothing trains.
  std::set<std::string> factors = {};
  std::vector<EqualizedPair> equalized = {};  ///< Empty unless the recipe asks for it.
  std::vector<DividedTensor> divided = {};    ///< Whose outlying channels are divided in front of Q.
  std::vector<SmoothedPair> smoothing = {};   ///< Empty unless the recipe asks for SmoothQuant.
  Losses losses = {};                         ///< Empty unless QuantizeOptions::losses.
  /// What a file says of where it comes from (provenance.h), key and value.
  std::vector<std::pair<std::string, std::string>> provenance = {};
  ScaleTable scales = {};  ///< All of the numbers: QuantizeOptions::scales of a run that gives the same network.
};

/// `network` must be transformed; it is not changed. Throws Error "config.*", "plan.*", "data.*", "quant.*" (a
/// non-finite weight, with its name), "memory.limit" (one micro-batch does not fit), "scales.*" ("scales.missing" where
/// there is no sample and the table is not whole).
QuantizationResult quantize(const Network& network, const SampleSource& samples, const QuantConfig& config,
                            const QuantizeOptions& options);

}  // namespace graftwork::core
