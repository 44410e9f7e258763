#include "graftwork/quant/half_findings.h"

#include <algorithm>
#include <cmath>

#include "graftwork/base/text.h"

namespace graftwork::core {

void HalfFindings::add(const std::string& anchor, const Found& found) {
  const auto [known, is_new] = found_.try_emplace(anchor, found);
  if (is_new) return;
  known->second.worst = std::min(known->second.worst, found.worst);
  known->second.nodes.insert(found.nodes.begin(), found.nodes.end());
}

void HalfFindings::merge(const HalfFindings& other) {
  for (const auto& [anchor, found] : other.found_) add(anchor, found);
}

WideNodes HalfFindings::wide_nodes() const {
  WideNodes wide;
  for (const auto& [anchor, found] : found_) {
    const std::string reason = std::isinf(found.worst)
                                   ? cat("in FP16 %", anchor, " becomes NaN or infinite")
                                   : cat("in FP16 %", anchor, " keeps ", std::lround(found.worst), " dB");
    for (const std::string& node : found.nodes) wide.emplace(node, reason);
  }
  return wide;
}

}  // namespace graftwork::core
