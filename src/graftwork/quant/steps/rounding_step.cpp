#include "graftwork/quant/gptq/round_layers.h"
#include "graftwork/quant/rounding/learn_rounding.h"
#include "graftwork/quant/steps/step.h"

namespace graftwork::core {
namespace {

/// What all layers read at once would not fit into memory: it is taken in runs of their own, some layers in each.
class RoundingStep final : public Step {
 public:
  RoundingStep(const Network& network, const SampleSource& samples, const WeightQuantConfig& config,
               const QuantizeOptions& options)
      : network_(network), samples_(samples), config_(config), options_(options) {}

  void request(StatisticsRequest&) const override {}

  void apply(const Statistics&, QuantizationResult& result) const override {
    const auto round = config_.rounding == WeightRounding::kGptq ? round_by_second_moments : round_by_training;
    result.rounded_weights = round(network_, samples_, config_, options_, result);
  }

 private:
  const Network& network_;
  const SampleSource& samples_;
  const WeightQuantConfig& config_;
  const QuantizeOptions& options_;
};

}  // namespace

std::unique_ptr<Step> make_rounding_step(const Network& network, const SampleSource& samples,
                                         const WeightQuantConfig& config, const QuantizeOptions& options) {
  return std::make_unique<RoundingStep>(network, samples, config, options);
}

}  // namespace graftwork::core
