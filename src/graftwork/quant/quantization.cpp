#include "graftwork/quant/quantization.h"

#include "graftwork/base/error.h"
#include "graftwork/base/first_of.h"
#include "graftwork/base/memory.h"
#include "graftwork/base/text.h"
#include "graftwork/quant/content_hash.h"
#include "graftwork/quant/make_scale_table.h"
#include "graftwork/quant/provenance.h"
#include "graftwork/quant/weight_scales.h"

namespace graftwork::core {
namespace {

constexpr int64_t kFewSamples = 4;

StubPlan plan_of(const Network& network, const QuantConfig& config, const QuantizeOptions& options,
                 const Backend& backend) {
  if (!options.plan) return plan_stubs(network.module, config, backend);
  StubPlan plan = *options.plan;
  check_stub_plan(network.module, plan, backend);
  return plan;
}

/// Tells by which numbers channels of the network were rescaled; empty where none were.
std::string rescaling_of(const Network& network, const std::set<std::string>& names) {
  std::vector<at::Tensor> factors;
  for (const std::string& name : names) factors.push_back(network.tensors.at(name));
  return factors.empty() ? std::string() : content_hash(factors);
}

}  // namespace

void check_quantization(const Network& network, const QuantConfig& config, const QuantizeOptions& options) {
  check_quant_config(config);
  const std::shared_ptr<const Backend> backend = or_used(options.backend);
  const StubPlan plan = plan_of(network, config, options, *backend);
  if (config.smooth_quant) check_smooth_quant(network, plan, config, backend->smoothings);
}

Quantization::Quantization(const Network& network, const SampleSource& samples, const QuantConfig& config,
                           const QuantizeOptions& options)
    : samples_(samples),
      config_(config),
      options_(options),
      backend_(or_used(options.backend)),
      network_(network.clone()) {
  check_quant_config(config_);
  form_ = {options_.float_type,
           options_.keep_batch_norm,
           backend_->file.products_take_scales_of_one_type,
           options_.scales ? &*options_.scales : nullptr,
           {}};
  result_ = {.network = {},
             .plan = plan_of(network_, config_, options_, *backend_),
             .method = config_.activation.calibration_method,
             .weight_method = config_.weight.calibration_method,
             .sample_facts = samples_.facts()};
  result_.warnings = result_.plan.warnings;
  rescale();
  for (const auto& [name, tensor] : network_.tensors) {
    if (!network.tensors.contains(name)) result_.factors.insert(name);
  }
  result_.network = network_.clone();
  result_.unquantized = network_.clone();
  apply_stub_plan(result_.network.module, result_.plan, *backend_);
  form_.rescaling = rescaling_of(network_, result_.factors);
  if (form_.table)
    check_scale_table(*form_.table, result_.plan, result_.network, form_.keeps_batch_norm, form_.rescaling);
  // First: a bad weight would look like bad data.
  set_weight_scales(result_.network, result_.plan, config_.weight, form_);
  steps_ = steps();
  for (const std::unique_ptr<Step>& step : steps_) step->request(request_);
}

/// What keeps the function of the float network and makes it easier to quantize.
void Quantization::rescale() {
  if (config_.weight.cross_layer_equalization) result_.equalized = equalize_layers(network_);
  CalibrationOptions own = options_.calibration;
  own.checkpoint.clear();  // it belongs to the run over the network that this makes
  if (config_.smooth_quant) {
    if (samples_.size() == 0)
      throw Error("scales.missing", "what SmoothQuant moves is told by data, not by the scale table",
                  "samples to calibrate on");
    result_.smoothing = smooth_quant(network_, result_.plan, samples_, config_, backend_->smoothings, own);
  }
  if (config_.activation.outlier_channels == OutlierChannels::kKeep) return;
  result_.divided = options_.scales ? divide_channels_by(network_, result_.plan, options_.scales->divided)
                                    : divide_outlier_channels(network_, result_.plan, samples_, config_, own);
}

/// In the order in which they are applied.
std::vector<std::unique_ptr<Step>> Quantization::steps() const {
  std::vector<std::unique_ptr<Step>> steps;
  steps.push_back(make_input_facts_step(network_));
  steps.push_back(make_check_values_step(network_));
  if (form_.float_type == DType::kF16) steps.push_back(make_half_regions_step(network_, *backend_));
  steps.push_back(make_shared_scales_step(network_, result_.plan));
  steps.push_back(make_stub_scales_step(result_.plan, config_.activation, form_));
  if (config_.weight.rounding != WeightRounding::kNearest)
    steps.push_back(make_rounding_step(network_, samples_, config_.weight, options_));
  if (config_.weight.bias_correction) steps.push_back(make_bias_correction_step(network_, result_.plan));
  return steps;
}

std::optional<Statistics> Quantization::known() const {
  if (!form_.table) return std::nullopt;
  if (!config_.activation.symmetric || !config_.weight.symmetric)
    throw Error("scales.affine", "scale tables hold no zero points", "symmetric codes in the recipe, or no table");
  std::vector<std::string> missing = not_in_table(*form_.table, result_.plan, form_.float_type, request_);
  if (config_.weight.rounding == WeightRounding::kGptq && !form_.table->weights.empty())
    throw Error("scales.other",
                "scales and codes of weights are chosen together by the data where the recipe asks for it",
                "a table without lines of weights, or rounding to the nearest");
  if (config_.weight.rounding != WeightRounding::kNearest) missing.emplace_back("codes that are chosen by the data");
  if (missing.empty())
    return Statistics{.ranges = ranges_of(*form_.table), .means = form_.table->means, .wide = form_.table->wide};
  if (samples_.size() > 0) return std::nullopt;
  throw Error("scales.missing", cat("the scale table does not say all: ", first_of(missing)),
              "samples to calibrate on, or lines for them");
}

QuantizationResult Quantization::finish(const Statistics& seen, std::optional<int64_t> samples) {
  result_.samples = samples ? *samples : form_.table->samples;
  if (samples && *samples < kFewSamples) {
    result_.warnings.push_back(cat("ranges of ", *samples, *samples == 1 ? " sample" : " samples",
                                   " are a matter of chance: calibrate on some hundreds"));
  }
  for (const std::unique_ptr<Step>& step : steps_) step->apply(seen, result_);
  result_.ranges = seen.ranges;
  result_.scales = make_scale_table(network_, result_, form_, seen.means);
  result_.provenance = provenance(result_, config_);
  if (options_.losses && samples_.size() > 0)
    result_.losses = measure_losses(network_, result_.network, samples_, *options_.losses);
  trim_heap();
  return std::move(result_);
}

}  // namespace graftwork::core
