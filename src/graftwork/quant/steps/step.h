// What quantize() does once it has seen the data, a step at a time.
#pragma once

#include <memory>

#include "graftwork/quant/quantize.h"
#include "graftwork/quant/scale_form.h"
#include "graftwork/quant/statistics.h"

namespace graftwork::core {

/// Says what it has to know of the data, and later, with that, does its part.
class Step {
 public:
  virtual ~Step() = default;
  virtual void request(StatisticsRequest& request) const = 0;
  /// `result` is as the steps in front left it. Its ranges are those of all values that any step asked for.
  virtual void apply(const Statistics& seen, QuantizationResult& result) const = 0;
};

/// Says whether the inputs are scaled as in training (inputs/input_facts.h).
std::unique_ptr<Step> make_input_facts_step(const Network& network);

/// Names values that are NaN or infinite in float already. Throws Error "data.unseen" for a tensor of a stub of which
/// no sample had a number. `network`: the float one.
std::unique_ptr<Step> make_check_values_step(const Network& network);

/// What FP16 cannot hold becomes wide (half_regions.h).
std::unique_ptr<Step> make_half_regions_step(const Network& network, const Backend& backend);

/// Parts scales that should not be shared (shared_scales.h).
std::unique_ptr<Step> make_shared_scales_step(const Network& network, const StubPlan& plan);

/// Gives stubs their scales.
std::unique_ptr<Step> make_stub_scales_step(const StubPlan& plan, const ActivationQuantConfig& config,
                                            const ScaleForm& form);

/// Chooses codes of weights together (gptq/round_layers.h, rounding/learn_rounding.h), which takes runs over the data
/// of its own.
std::unique_ptr<Step> make_rounding_step(const Network& network, const SampleSource& samples,
                                         const WeightQuantConfig& config, const QuantizeOptions& options);

/// Biases make up for the rounding of weights (bias_correction.h).
std::unique_ptr<Step> make_bias_correction_step(const Network& network, const StubPlan& plan);

}  // namespace graftwork::core
