#include "graftwork/quant/gptq/round_layers.h"
#include "graftwork/quant/steps/step.h"

namespace graftwork {
namespace {

/// Second moments of all layers at once would not fit into memory: they are taken in runs of their own, some layers in
/// each.
class GptqStep final : public Step {
 public:
  GptqStep(const Network& network, const SampleSource& samples, const WeightQuantConfig& config,
           const QuantizeOptions& options)
      : network_(network), samples_(samples), config_(config), options_(options) {}

  void request(StatisticsRequest&) const override {}

  void apply(const Statistics&, QuantizationResult& result) const override {
    result.rounded_weights = round_by_second_moments(network_, samples_, config_, options_, result);
  }

 private:
  const Network& network_;
  const SampleSource& samples_;
  const WeightQuantConfig& config_;
  const QuantizeOptions& options_;
};

}  // namespace

std::unique_ptr<Step> make_gptq_step(const Network& network, const SampleSource& samples,
                                     const WeightQuantConfig& config, const QuantizeOptions& options) {
  return std::make_unique<GptqStep>(network, samples, config, options);
}

}  // namespace graftwork
