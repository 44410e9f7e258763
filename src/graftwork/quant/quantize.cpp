#include "graftwork/quant/quantize.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/quant/content_hash.h"
#include "graftwork/quant/make_scale_table.h"
#include "graftwork/quant/steps/step.h"
#include "graftwork/quant/weight_scales.h"

namespace graftwork::core {
namespace {

constexpr int64_t kFewSamples = 4;

/// In the order in which they are applied.
std::vector<std::unique_ptr<Step>> steps_of(const Network& network, const StubPlan& plan, const QuantConfig& config,
                                            const SampleSource& samples, const QuantizeOptions& options,
                                            const ScaleForm& form, const Backend& backend) {
  std::vector<std::unique_ptr<Step>> steps;
  steps.push_back(make_input_facts_step(network));
  steps.push_back(make_check_values_step(network));
  if (form.float_type == DType::kF16) steps.push_back(make_half_regions_step(network, backend));
  steps.push_back(make_shared_scales_step(network, plan));
  steps.push_back(make_stub_scales_step(plan, config.activation, form));
  if (config.weight.rounding != WeightRounding::kNearest)
    steps.push_back(make_rounding_step(network, samples, config.weight, options));
  if (config.weight.bias_correction) steps.push_back(make_bias_correction_step(network, plan));
  return steps;
}

StubPlan plan_of(const Network& network, const QuantConfig& config, const QuantizeOptions& options,
                 const Backend& backend) {
  if (!options.plan) return plan_stubs(network.module, config, backend);
  StubPlan plan = *options.plan;
  check_stub_plan(network.module, plan, backend);
  return plan;
}

/// What the scale table says instead of calibration; nothing where it does not say all. Throws Error "scales.missing"
/// where there are no samples either.
std::optional<Statistics> known_by_table(const ScaleForm& form, const StubPlan& plan, const QuantConfig& config,
                                         const StatisticsRequest& request, const SampleSource& samples) {
  if (!form.table) return std::nullopt;
  if (!config.activation.symmetric || !config.weight.symmetric)
    throw Error("scales.affine", "scale tables hold no zero points", "symmetric codes in the recipe, or no table");
  std::vector<std::string> missing = not_in_table(*form.table, plan, form.float_type, request);
  if (config.weight.rounding == WeightRounding::kGptq && !form.table->weights.empty())
    throw Error("scales.other",
                "scales and codes of weights are chosen together by the data where the recipe asks for it",
                "a table without lines of weights, or rounding to the nearest");
  if (config.weight.rounding != WeightRounding::kNearest) missing.emplace_back("codes that are chosen by the data");
  if (missing.empty())
    return Statistics{.ranges = ranges_of(*form.table), .means = form.table->means, .wide = form.table->wide};
  if (samples.size() > 0) return std::nullopt;
  throw Error("scales.missing", cat("the scale table does not say all: ", first_of(missing)),
              "--calibrate DATA, or lines for them");
}

/// Tells by which numbers channels of the network were rescaled; empty where none were.
std::string rescaling_of(const Network& network, const std::set<std::string>& names) {
  std::vector<at::Tensor> factors;
  for (const std::string& name : names) factors.push_back(network.tensors.at(name));
  return factors.empty() ? std::string() : content_hash(factors);
}

/// What keeps the function of the float network and makes it easier to quantize.
void rescale(Network& network, const SampleSource& samples, const QuantConfig& config, const QuantizeOptions& options,
             QuantizationResult& result) {
  if (config.weight.cross_layer_equalization) result.equalized = equalize_layers(network);
  CalibrationOptions own = options.calibration;
  own.checkpoint.clear();  // it belongs to the run over the network that this makes
  if (config.smooth_quant) {
    if (samples.size() == 0)
      throw Error("scales.missing", "what SmoothQuant moves is told by data, not by the scale table",
                  "--calibrate DATA");
    result.smoothing = smooth_quant(network, result.plan, samples, config, own);
  }
  if (config.activation.outlier_channels == OutlierChannels::kKeep) return;
  result.divided = options.scales ? divide_channels_by(network, result.plan, options.scales->divided)
                                  : divide_outlier_channels(network, result.plan, samples, config, own);
}

}  // namespace

QuantizationResult quantize(const Network& given, const SampleSource& samples, const QuantConfig& config,
                            const QuantizeOptions& options) {
  check_quant_config(config);
  const std::shared_ptr<const Backend> backend = or_used(options.backend);
  ScaleForm form{options.float_type,
                 options.keep_batch_norm,
                 backend->file.products_take_scales_of_one_type,
                 options.scales ? &*options.scales : nullptr,
                 {}};
  Network network = given.clone();
  QuantizationResult result{.network = {},
                            .plan = plan_of(network, config, options, *backend),
                            .samples = samples.size(),
                            .method = config.activation.calibration_method,
                            .weight_method = config.weight.calibration_method,
                            .sample_facts = samples.facts()};
  result.warnings = result.plan.warnings;
  rescale(network, samples, config, options, result);
  for (const auto& [name, tensor] : network.tensors) {
    if (!given.tensors.contains(name)) result.factors.insert(name);
  }
  result.network = network.clone();
  result.unquantized = network.clone();
  apply_stub_plan(result.network.module, result.plan, *backend);
  form.rescaling = rescaling_of(network, result.factors);
  if (form.table) check_scale_table(*form.table, result.plan, result.network, form.keeps_batch_norm, form.rescaling);
  // First: a bad weight would look like bad data.
  set_weight_scales(result.network, result.plan, config.weight, form);

  const std::vector<std::unique_ptr<Step>> steps =
      steps_of(network, result.plan, config, samples, options, form, *backend);
  StatisticsRequest request;
  for (const std::unique_ptr<Step>& step : steps) step->request(request);
  std::optional<Statistics> known = known_by_table(form, result.plan, config, request, samples);
  if (known) {
    result.samples = form.table->samples;
  } else if (samples.size() < kFewSamples) {
    result.warnings.push_back(cat("ranges of ", samples.size(), samples.size() == 1 ? " sample" : " samples",
                                  " are a matter of chance: calibrate on some hundreds"));
  }
  const Statistics seen = known ? std::move(*known) : calibrate(network, request, samples, options.calibration);
  for (const std::unique_ptr<Step>& step : steps) step->apply(seen, result);
  result.ranges = seen.ranges;
  result.scales = make_scale_table(network, result, form, seen.means);
  if (options.losses && samples.size() > 0)
    result.losses = measure_losses(network, result.network, samples, *options.losses);
  return result;
}

}  // namespace graftwork::core
