#include "graftwork/cli/torch/quantize/smoothing_report.h"

#include <algorithm>

#include "graftwork/base/number_text.h"
#include "graftwork/base/text.h"

namespace graftwork::core::cli {
namespace {

std::string factor_text(double factor) { return short_number(factor, 2); }

template <class Pair>
std::vector<std::string> pair_lines(const std::vector<Pair>& pairs) {
  if (pairs.empty()) return {};
  size_t count = 0;
  double smallest = 1, largest = 1;
  for (const Pair& pair : pairs) {
    if (!pair.refusal.empty()) continue;
    ++count;
    smallest = std::min(smallest, pair.smallest);
    largest = std::max(largest, pair.largest);
  }
  const std::string of_all = cat(count, " of ", counted(pairs.size(), "pair"));
  if (count == 0) return {of_all};
  return {cat(of_all, ", factors ", factor_text(smallest), " to ", factor_text(largest))};
}

Json names_json(const std::vector<Symbol>& names) {
  Json list = Json::array();
  for (const Symbol name : names) list.push_back(name.str());
  return list;
}

template <class Pair>
Json pair_json(const Pair& pair) {
  Json json{{"source", pair.source.str()}, {"readers", names_json(pair.readers)}};
  if (!pair.refusal.empty()) {
    json["refused"] = pair.refusal;
    return json;
  }
  json["smallest_factor"] = number(static_cast<float>(pair.smallest));
  json["largest_factor"] = number(static_cast<float>(pair.largest));
  return json;
}

double largest(const DividedTensor& divided) { return divided.factors.max().item<double>(); }

}  // namespace

std::vector<std::string> smoothing_lines(const std::vector<SmoothedPair>& pairs) { return pair_lines(pairs); }

Json smoothing_json(const std::vector<SmoothedPair>& pairs) {
  Json list = Json::array();
  for (const SmoothedPair& pair : pairs) {
    Json& json = list.emplace_back(pair_json(pair));
    if (pair.alpha) json["alpha"] = *pair.alpha;
    if (pair.limit) json["limit"] = number(static_cast<float>(*pair.limit));
  }
  return list;
}

std::vector<std::string> equalization_lines(const std::vector<EqualizedPair>& pairs) { return pair_lines(pairs); }

Json equalization_json(const std::vector<EqualizedPair>& pairs) {
  Json list = Json::array();
  for (const EqualizedPair& pair : pairs) list.push_back(pair_json(pair));
  return list;
}

std::vector<std::string> outlier_lines(const std::vector<DividedTensor>& tensors) {
  std::vector<std::string> lines;
  for (const DividedTensor& divided : tensors) {
    const std::string source = divided.source.empty() ? "" : cat(", in ", divided.source.str());
    const std::string gain = divided.limit == 0
                                 ? ", as the scale table has it"
                                 : cat(", the products behind it win ", factor_text(divided.gained_db), " dB");
    lines.push_back(cat("%", divided.tensor.str(), ": by up to ", factor_text(largest(divided)), source, gain));
  }
  return lines;
}

Json outliers_json(const std::vector<DividedTensor>& tensors) {
  Json list = Json::array();
  for (const DividedTensor& divided : tensors) {
    Json& json = list.emplace_back();
    json["tensor"] = divided.tensor.str();
    if (!divided.source.empty()) json["source"] = divided.source.str();
    json["readers"] = names_json(divided.readers);
    json["largest_factor"] = number(static_cast<float>(largest(divided)));
    if (divided.limit == 0) continue;
    json["limit"] = number(static_cast<float>(divided.limit));
    json["gained_db"] = number(static_cast<float>(divided.gained_db));
  }
  return list;
}

}  // namespace graftwork::core::cli
