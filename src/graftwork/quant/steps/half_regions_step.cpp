#include "graftwork/quant/half_probe.h"
#include "graftwork/quant/half_regions.h"
#include "graftwork/quant/steps/step.h"

namespace graftwork::core {
namespace {

class HalfRegionsStep final : public Step {
 public:
  HalfRegionsStep(const Network& network, const Backend& backend) : probe_(network), backend_(backend) {}

  void request(StatisticsRequest& request) const override {
    request.every_float = true;
    request.half_probe = &probe_;
  }

  void apply(const Statistics& seen, QuantizationResult& result) const override {
    result.network.wide =
        seen.wide ? *seen.wide : half_regions(result.network, seen.ranges, seen.half.wide_nodes(), backend_.placement);
  }

 private:
  HalfProbe probe_;
  const Backend& backend_;
};

}  // namespace

std::unique_ptr<Step> make_half_regions_step(const Network& network, const Backend& backend) {
  return std::make_unique<HalfRegionsStep>(network, backend);
}

}  // namespace graftwork::core
