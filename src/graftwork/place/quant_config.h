// The recipe: what is quantized and how.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graftwork/patterns/placement/precision.h"
#include "graftwork/patterns/placement/quant_policy.h"
#include "graftwork/place/policy_rules.h"
#include "graftwork/place/smooth_quant_config.h"

namespace graftwork::core {

/// How a range is found in calibration data, or in a weight.
enum class CalibrationMethod : uint8_t {
  kMinMax,               ///< All values.
  kMovingAverageMinMax,  ///< The ends of each sample, each new one with a weight of 0.01, in the samples' order.
  kHistogram,            ///< Narrowed as long as that makes the expected squared error less.
  kPercentile,           ///< All but a share of the largest.
  kEntropy,              ///< What keeps the distribution: least Kullback-Leibler divergence.
  kMse,                  ///< What makes the expected squared error of quantization least.
};

/// As recipes and reports spell them: "minmax", "moving_average_minmax", "histogram", "percentile", "entropy", "mse".
std::string_view name_of(CalibrationMethod method);
std::optional<CalibrationMethod> calibration_method(std::string_view name);
/// Whether it says something of a tensor that is there as a whole.
bool is_for_weights(CalibrationMethod method);

struct TensorQuantConfig {
  Precision precision = Precision::kInt8;
  /// Without, codes have a zero point: the range reaches from the least value to the largest.
  bool symmetric = true;
  /// A scale for each output channel of a weight.
  bool per_channel = false;
  CalibrationMethod calibration_method = CalibrationMethod::kMinMax;
  /// Share of the values that kPercentile keeps, above 0 and up to 100.
  double percentile = 99.99;
};

/// Where the scale of attention's weights comes from, which are at most 1.
enum class SoftmaxScale : uint8_t {
  kCalibrated,  ///< From the data; never above 1/127. With many keys a typical weight is far below 1.
  kFixed,       ///< 1/127; of FP8 always 1/448.
};

/// What becomes of a tensor in front of layers of which a few channels are much larger than all others.
enum class OutlierChannels : uint8_t {
  kKeep,          ///< Its scale serves all channels, or clips those.
  kDivideLinear,  ///< They are divided, and the weights behind multiplied, in front of linear layers, where it wins
                  ///< enough.
  kDivide,        ///< In front of convolutions too.
};

/// As recipes spell them: "keep", "divide_linear", "divide".
std::string_view name_of(OutlierChannels outliers);

struct ActivationQuantConfig : TensorQuantConfig {
  ActivationQuantConfig() { calibration_method = CalibrationMethod::kMse; }

  SoftmaxScale softmax_scale = SoftmaxScale::kCalibrated;
  OutlierChannels outlier_channels = OutlierChannels::kDivideLinear;
};

/// How the codes of a weight are chosen.
enum class WeightRounding : uint8_t {
  kNearest,
  kGptq,      ///< Of linear layers: one input channel after another, the next ones making up for its error on the data.
  kAdaRound,  ///< Of convolutions too: up or down, as training on what the layer reads decides for all of them at once.
};

/// As recipes spell them: "nearest", "gptq", "adaround".
std::string_view name_of(WeightRounding rounding);

struct WeightQuantConfig : TensorQuantConfig {
  /// Input channels of linear layers that share a scale: 64 or 128, of INT4. Then nothing but these weights is
  /// quantized. 0: a scale for each output channel.
  int64_t block_size = 0;
  WeightRounding rounding = WeightRounding::kNearest;
  int64_t rounding_iterations = 300;  ///< Of kAdaRound.
  /// Whether biases make up for what rounding the weights does to the mean of each output channel.
  bool bias_correction = true;
  /// Whether layers and those that read them share the differences between channels (Nagel et al. 2019).
  bool cross_layer_equalization = false;
};

/// Modules that stay in floating point. An entry is a module path ("layer1.0.conv1", "FusedConvBN_3"), a
/// path that holds modules ("layer4"), a kind ("nn.Linear", "FusedConvBN"), or a pattern with `*` over paths
/// ("layer*.conv1"). Kinds and paths of parts count for the fused module that holds them.
struct ModulesToSkip {
  std::vector<std::string> stub;         ///< Without Q/DQ on their inputs.
  std::vector<std::string> weight;       ///< Without Q/DQ on their weights.
  std::vector<std::string> smooth = {};  ///< In no pair of SmoothQuant.
};

struct QuantConfig {
  ActivationQuantConfig activation;
  WeightQuantConfig weight{{Precision::kInt8, true, true, CalibrationMethod::kMinMax}};
  ModulesToSkip skip;
  QuantPolicy policy;
  std::vector<PolicyRule> rules;  ///< Come before the policy, and before everything but `skip`.
  std::optional<SmoothQuantConfig> smooth_quant = {};

  /// Of layers that no rule fits.
  LayerFormat format() const;
};

/// What does not go together: ranges of FP8 and affine ones by a method that is not for them, and scales of activations
/// by channel. Throws Error "config.value".
void check_quant_config(const QuantConfig& config);

/// What no file for TensorRT can have, with the rule: it runs in fake quantization only. Throws Error "config.export".
void check_can_be_written(const QuantConfig& config);

/// Reads a recipe:
///     {"activation": {"precision": "int8", "calibration_method": "percentile", "percentile": 99.9,
///                     "softmax_scale": "calibrated",                            (or "fixed")
///                     "outlier_channels": "divide_linear"},                     (or "keep", "divide")
///      "weight": {"precision": "int8", "calibration_method": "mse", "per_channel": true, "bias_correction": true,
///                 "cross_layer_equalization": false},
///                              (or {"precision": "int4", "block_size": 128, "rounding": "gptq"}: of linear layers
///                              alone; or {"rounding": "adaround", "rounding_iterations": 300})
///      "skip": {"stub": ["head.*"], "weight": ["head.*"]},
///      "policy": {"depthwise": "float", "squeeze_excite": "float", "first_and_last": "float", "tiny_products":
///      "float",
///                 "global_pooling": "float",
///                 "rules": [{"match": {"name": "layer4.*", "type": "nn.Conv2d", "scope": "layer4"},
///                            "precision": "float"}]},       (or "int8", "fp8", {"weight": "int4", "block_size": 128})
///      "smooth_quant": {"alpha": 0.5}}                                             (read_smooth_quant)
/// Throws Error "config.*" that names the key: unknown keys, wrong types and values are refused, and what
/// check_quant_config refuses.
QuantConfig parse_quant_config(const std::string& text);
/// The same from a file; throws Error "file.*" too.
QuantConfig read_quant_config(const std::filesystem::path& path);

}  // namespace graftwork::core
