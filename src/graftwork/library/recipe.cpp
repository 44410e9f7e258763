#include "graftwork/library/recipe.h"

#include <nlohmann/json.hpp>

#include "graftwork/base/text.h"
#include "graftwork/library/state.h"
#include "graftwork/place/plan_file.h"
#include "graftwork/place/quant_config_text.h"

namespace graftwork {
namespace detail {
namespace {

// The public enumerations and those of the rooms list the same, in the same order.
template <class To, class From>
To same(From value) {
  return static_cast<To>(static_cast<int>(value));
}

static_assert(static_cast<int>(CalibrationMethod::MSE) == static_cast<int>(core::CalibrationMethod::kMse));
static_assert(static_cast<int>(OutlierChannels::DIVIDE) == static_cast<int>(core::OutlierChannels::kDivide));
static_assert(static_cast<int>(SoftmaxScale::FIXED) == static_cast<int>(core::SoftmaxScale::kFixed));
static_assert(static_cast<int>(WeightRounding::ADAROUND) == static_cast<int>(core::WeightRounding::kAdaRound));

/// Throws Error "config.value" for a number that names nothing.
template <class Enumeration>
void require(Enumeration value, Enumeration last, const char* what) {
  if (static_cast<int>(value) < 0 || value > last)
    throw Error("config.value", core::cat(what, " is ", static_cast<int>(value)), "one of its names");
}

core::Precision to_core(Precision precision) {
  switch (precision) {
    case Precision::INT4:
      return core::Precision::kInt4;
    case Precision::INT16:
      return core::Precision::kInt16;
    case Precision::FP8:
      return core::Precision::kFp8;
    case Precision::INT8:
      break;
  }
  return core::Precision::kInt8;
}

Precision from_core(core::Precision precision) {
  for (const Precision known : {Precision::INT4, Precision::INT16, Precision::FP8}) {
    if (to_core(known) == precision) return known;
  }
  return Precision::INT8;
}

void copy(const TensorQuantConfig& from, core::TensorQuantConfig& to) {
  require(from.precision, Precision::FP8, "precision");
  require(from.calibration_method, CalibrationMethod::MSE, "calibration_method");
  to.precision = to_core(from.precision);
  to.symmetric = from.symmetric;
  to.per_channel = from.per_channel;
  to.calibration_method = same<core::CalibrationMethod>(from.calibration_method);
  to.percentile = from.percentile;
}

void copy(const core::TensorQuantConfig& from, TensorQuantConfig& to) {
  to.precision = from_core(from.precision);
  to.symmetric = from.symmetric;
  to.per_channel = from.per_channel;
  to.calibration_method = same<CalibrationMethod>(from.calibration_method);
  to.percentile = from.percentile;
}

std::vector<std::string> texts_of(const std::vector<ModuleSelector>& selectors) {
  std::vector<std::string> texts;
  for (const ModuleSelector& selector : selectors) texts.push_back(selector.text());
  return texts;
}

std::vector<ModuleSelector> selectors_of(const std::vector<std::string>& texts) { return {texts.begin(), texts.end()}; }

}  // namespace

core::QuantConfig to_core(const QuantConfig& config) {
  require(config.activation.softmax_scale, SoftmaxScale::FIXED, "softmax_scale");
  require(config.activation.outlier_channels, OutlierChannels::DIVIDE, "outlier_channels");
  require(config.weight.rounding, WeightRounding::ADAROUND, "rounding");
  // Policies are read by the reader of recipes.
  core::QuantConfig made =
      config.policy.empty() ? core::QuantConfig() : core::parse_quant_config("{\"policy\": " + config.policy + "}");
  copy(config.activation, made.activation);
  made.activation.softmax_scale = same<core::SoftmaxScale>(config.activation.softmax_scale);
  made.activation.outlier_channels = same<core::OutlierChannels>(config.activation.outlier_channels);
  copy(config.weight, made.weight);
  made.weight.block_size = config.weight.block_size;
  made.weight.rounding = same<core::WeightRounding>(config.weight.rounding);
  made.weight.rounding_iterations = config.weight.rounding_iterations;
  made.weight.bias_correction = config.weight.bias_correction;
  made.weight.cross_layer_equalization = config.weight.cross_layer_equalization;
  made.skip = {texts_of(config.skip.stub), texts_of(config.skip.weight), texts_of(config.skip.smooth)};
  if (config.smooth_quant)
    made.smooth_quant = core::SmoothQuantConfig{config.smooth_quant->alpha, config.smooth_quant->pairs};
  return core::parse_quant_config(core::quant_config_text(made));  // which refuses what no recipe may say
}

QuantConfig from_core(const core::QuantConfig& config) {
  QuantConfig made;
  copy(config.activation, made.activation);
  made.activation.softmax_scale = same<SoftmaxScale>(config.activation.softmax_scale);
  made.activation.outlier_channels = same<OutlierChannels>(config.activation.outlier_channels);
  copy(config.weight, made.weight);
  made.weight.block_size = config.weight.block_size;
  made.weight.rounding = same<WeightRounding>(config.weight.rounding);
  made.weight.rounding_iterations = config.weight.rounding_iterations;
  made.weight.bias_correction = config.weight.bias_correction;
  made.weight.cross_layer_equalization = config.weight.cross_layer_equalization;
  made.skip = {selectors_of(config.skip.stub), selectors_of(config.skip.weight), selectors_of(config.skip.smooth)};
  if (config.smooth_quant)
    made.smooth_quant = SmoothQuantConfig{config.smooth_quant->alpha, config.smooth_quant->pairs};
  const nlohmann::ordered_json text = nlohmann::ordered_json::parse(core::quant_config_text(config));
  if (const auto policy = text.find("policy"); policy != text.end()) made.policy = policy->dump();
  return made;
}

core::DType to_core(FloatType type) {
  if (type == FloatType::FP32) return core::DType::kF32;
  return type == FloatType::BF16 ? core::DType::kBF16 : core::DType::kF16;
}

core::QuantizeOptions to_core(const QuantizeOptions& options) {
  core::QuantizeOptions made;
  made.calibration.threads = options.threads;
  made.calibration.memory_limit = options.memory_limit;
  made.calibration.checkpoint = options.checkpoint;
  made.calibration.progress = options.progress;
  made.calibration.interrupted = options.interrupted;
  made.float_type = to_core(options.float_type);
  made.keep_batch_norm = options.keep_batch_norm;
  if (options.backend) made.backend = options.backend->state()->backend;
  if (!options.plan.empty()) {
    made.plan = core::parse_plan(options.plan).stubs;
    if (!made.plan) throw Error("plan.key", "it plans no stubs", "a plan that QuantizationResult::plan() has given");
  }
  if (!options.scales.empty()) made.scales = core::parse_scale_table(options.scales);
  if (options.losses) made.losses = {.threads = options.threads, .interrupted = options.interrupted};
  return made;
}

}  // namespace detail

double TensorQuantConfig::quant_max() const {
  switch (precision) {
    case Precision::INT4:
      return 7;
    case Precision::INT16:
      return 32767;
    case Precision::FP8:
      return 448;
    case Precision::INT8:
      break;
  }
  return 127;
}

double TensorQuantConfig::quant_min() const { return precision == Precision::FP8 ? -quant_max() : -quant_max() - 1; }

QuantConfig QuantConfig::parse(const std::string& json) { return detail::from_core(core::parse_quant_config(json)); }

QuantConfig QuantConfig::read(const std::filesystem::path& path) {
  return detail::from_core(core::read_quant_config(path));
}

std::string QuantConfig::json() const { return core::quant_config_text(detail::to_core(*this)); }

}  // namespace graftwork
