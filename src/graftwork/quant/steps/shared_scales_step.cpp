#include "graftwork/quant/shared_scales.h"
#include "graftwork/quant/steps/step.h"

namespace graftwork::core {
namespace {

class SharedScalesStep final : public Step {
 public:
  SharedScalesStep(const Network& network, const StubPlan& plan)
      : module_(network.module), joined_(joined_values(network.module, plan)) {}

  void request(StatisticsRequest& request) const override {
    for (const Symbol value : joined_) request.values[value];
  }

  void apply(const Statistics& seen, QuantizationResult& result) const override {
    split_scale_groups(result.plan, seen.ranges);
    for (std::string& line : coarse_concatenations(module_, result.plan, seen.ranges))
      result.warnings.push_back(std::move(line));
  }

 private:
  const GraphModule& module_;
  std::vector<Symbol> joined_;
};

}  // namespace

std::unique_ptr<Step> make_shared_scales_step(const Network& network, const StubPlan& plan) {
  return std::make_unique<SharedScalesStep>(network, plan);
}

}  // namespace graftwork::core
