#include "graftwork/cli/smoothing_report.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "graftwork/base/text.h"

namespace graftwork::cli {
namespace {

std::string factor_text(double factor) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2g", factor);
  return text.data();
}

}  // namespace

std::vector<std::string> smoothing_lines(const std::vector<SmoothedPair>& pairs) {
  if (pairs.empty()) return {};
  size_t count = 0;
  double smallest = 1, largest = 1;
  for (const SmoothedPair& pair : pairs) {
    if (!pair.refusal.empty()) continue;
    ++count;
    smallest = std::min(smallest, pair.smallest);
    largest = std::max(largest, pair.largest);
  }
  const std::string of_all = cat(count, " of ", counted(pairs.size(), "pair"));
  if (count == 0) return {of_all};
  return {cat(of_all, ", factors ", factor_text(smallest), " to ", factor_text(largest))};
}

Json smoothing_json(const std::vector<SmoothedPair>& pairs) {
  Json list = Json::array();
  for (const SmoothedPair& pair : pairs) {
    Json readers = Json::array();
    for (const Symbol reader : pair.readers) readers.push_back(reader.str());
    Json json{{"source", pair.source.str()}, {"readers", std::move(readers)}};
    if (pair.refusal.empty()) {
      json["alpha"] = pair.alpha;
      json["smallest_factor"] = number(static_cast<float>(pair.smallest));
      json["largest_factor"] = number(static_cast<float>(pair.largest));
    } else {
      json["refused"] = pair.refusal;
    }
    list.push_back(std::move(json));
  }
  return list;
}

}  // namespace graftwork::cli
