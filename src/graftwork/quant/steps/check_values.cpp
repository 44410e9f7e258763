#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/nn/mask_values.h"
#include "graftwork/quant/steps/step.h"

namespace graftwork::core {
namespace {

/// Whether −∞ is meant there: a mask, or the greatest of a row of it, which says whether all are masked.
bool may_be_infinite(const MaskValues& masks, const Node& node) {
  if (masks.is_absorbed(node)) return true;
  return node.op() == Symbol("aten.amax.default") && masks.is_absorbed(*node.inputs()[0].producer());
}

/// The first value that was not finite although nothing is quantized; empty when all were.
std::string not_finite(const Network& network, const std::map<std::string, Range>& ranges) {
  if (std::all_of(ranges.begin(), ranges.end(), [](const auto& range) { return range.second.finite; })) return {};
  const MaskValues masks(network);
  std::string first;
  size_t count = 0;
  for (const Node& node : network.module.graph().nodes()) {
    const auto range = ranges.find(node.name().str());
    if (range == ranges.end() || range->second.finite || may_be_infinite(masks, node)) continue;
    if (count++ == 0) first = node.name().str();
  }
  if (count == 0) return {};
  const std::string more = count > 1 ? cat(", and so do ", count - 1, " values behind it") : "";
  return cat("%", first, " becomes NaN or infinite on the calibration data, in float already", more,
             ": check the network and the scaling of the data");
}

class CheckValues final : public Step {
 public:
  explicit CheckValues(const Network& network) : network_(network) {}

  void request(StatisticsRequest&) const override {}

  void apply(const Statistics& seen, QuantizationResult& result) const override {
    for (const PlannedStub& stub : result.plan.stubs) {
      if (stub.given || seen.ranges.at(stub.tensor.str()).seen) continue;
      throw Error("data.unseen", cat("%", stub.tensor.str(), " was empty on every sample: its range is not known"),
                  cat("samples that reach it, or leaving ", stub.readers.front().module.str(), " in floating point"));
    }
    if (std::string line = not_finite(network_, seen.ranges); !line.empty()) result.warnings.push_back(std::move(line));
  }

 private:
  const Network& network_;
};

}  // namespace

std::unique_ptr<Step> make_check_values_step(const Network& network) { return std::make_unique<CheckValues>(network); }

}  // namespace graftwork::core
