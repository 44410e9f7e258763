#include "graftwork/quant/steps/step.h"

namespace graftwork::core {
namespace {

class InputFactsStep final : public Step {
 public:
  explicit InputFactsStep(const Network& network) : probe_(network) {}

  void request(StatisticsRequest& request) const override { request.input_probe = &probe_; }

  void apply(const Statistics& seen, QuantizationResult& result) const override {
    result.inputs = probe_.facts(seen.inputs);
    for (std::string& line : input_warnings(result.inputs)) result.warnings.push_back(std::move(line));
  }

 private:
  InputProbe probe_;
};

}  // namespace

std::unique_ptr<Step> make_input_facts_step(const Network& network) {
  return std::make_unique<InputFactsStep>(network);
}

}  // namespace graftwork::core
