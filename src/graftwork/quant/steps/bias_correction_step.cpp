#include "graftwork/quant/bias_correction.h"
#include "graftwork/quant/steps/step.h"

namespace graftwork::core {
namespace {

class BiasCorrectionStep final : public Step {
 public:
  BiasCorrectionStep(const Network& network, const StubPlan& plan) : correction_(network, plan) {}

  void request(StatisticsRequest& request) const override {
    for (const auto& [value, axis] : correction_.channel_axes()) request.values[value].mean_axis = axis;
  }

  void apply(const Statistics& seen, QuantizationResult& result) const override {
    result.corrected_biases = correction_.apply(result.network, seen.means);
  }

 private:
  BiasCorrection correction_;
};

}  // namespace

std::unique_ptr<Step> make_bias_correction_step(const Network& network, const StubPlan& plan) {
  return std::make_unique<BiasCorrectionStep>(network, plan);
}

}  // namespace graftwork::core
