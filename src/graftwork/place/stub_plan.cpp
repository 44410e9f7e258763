#include "graftwork/place/stub_plan.h"

#include <algorithm>

#include "graftwork/base/text.h"

namespace graftwork::core {

namespace {

/// "FusedConvBN_0[0]", "FusedMlp_0[hidden]".
std::string place_of(const StubReader& reader, Symbol value) {
  return cat(reader.module.str(), "[", value.empty() ? std::to_string(reader.input) : value.str(), "]");
}

}  // namespace

size_t StubPlan::quantized_weights() const {
  return static_cast<size_t>(
      std::count_if(weights.begin(), weights.end(), [](const PlannedWeight& weight) { return weight.quantized; }));
}

std::string StubPlan::text() const {
  std::string out;
  const auto add = [&](const auto&... parts) { out += visible(cat(parts...)) + "\n"; };
  for (const PlannedStub& stub : stubs) {
    std::vector<std::string> names;
    for (const StubReader& reader : stub.readers) names.push_back(place_of(reader, stub.value));
    add("Q/DQ %", stub.stub.str(), " on %", stub.tensor.str(), " for ", join(names), ": ", stub.reason,
        stub.scale_group.empty() ? "" : cat("; one scale around %", stub.scale_group.str(), shared_scale_rule));
  }
  for (const MissingStub& stub : missing) add("float ", place_of(stub.reader, stub.value), ": ", stub.reason);
  for (const PlannedWeight& weight : weights) {
    add(weight.quantized ? "Q/DQ " : "float ", weight.layer.str(), ".weight in ", weight.module.str(), ": ",
        weight.reason);
  }
  for (const std::string& warning : warnings) add("warning: ", warning);
  return out;
}

}  // namespace graftwork::core
