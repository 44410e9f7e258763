#include "graftwork/cli/torch/sensitivity/sensitivity_report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "graftwork/base/number_text.h"
#include "graftwork/base/text.h"
#include "graftwork/cli/output/output.h"
#include "graftwork/cli/torch/loss_report.h"

namespace graftwork::core::cli {
namespace {

constexpr size_t kShown = 10;
constexpr size_t kCosine = 13;  // "0.999999999", and two in front of it
constexpr std::array kRanks{std::pair{SensitivityRank::kSqnr, "sqnr"}, std::pair{SensitivityRank::kCosine, "cosine"},
                            std::pair{SensitivityRank::kClipped, "clipped"}, std::pair{SensitivityRank::kTop1, "top1"}};

/// The less, the worse.
double worth(const LayerSensitivity& layer, SensitivityRank rank) {
  switch (rank) {
    case SensitivityRank::kSqnr:
      return layer.alone.sqnr_db();
    case SensitivityRank::kCosine:
      return layer.alone.cosine();
    case SensitivityRank::kClipped:
      return -layer.layer.clipped;
    case SensitivityRank::kTop1:
      return static_cast<double>(layer.alone.correct);
  }
  return 0;
}

std::string percent(double share) { return fixed(100 * share, 2) + " %"; }

std::string right(const std::string& text, size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
}

std::string left(const std::string& text, size_t width) {
  return text + std::string(width > text.size() ? width - text.size() : 0, ' ');
}

double top1(const Sensitivity& sensitivity, int64_t correct) {
  return static_cast<double>(correct) / static_cast<double>(sensitivity.samples);
}

std::string shown_name(const LayerSensitivity& layer) { return visible(layer.layer.layer.str()); }

std::string table(const Sensitivity& sensitivity, const std::vector<size_t>& order) {
  const size_t shown = std::min(order.size(), kShown);
  size_t names = std::string_view("layer").size();
  for (size_t i = 0; i < shown; ++i) names = std::max(names, shown_name(sensitivity.layers[order[i]]).size());
  const bool has_labels = sensitivity.classes > 0;
  std::string text =
      cat("  ", left("layer", names), right("alone", 14), right("cosine", kCosine), right("all but it", 14),
          right("clipped", 10), has_labels ? right("top-1 alone", 13) + right("all but it", 12) : "", "\n");
  for (size_t i = 0; i < shown; ++i) {
    const LayerSensitivity& layer = sensitivity.layers[order[i]];
    text += cat("  ", left(shown_name(layer), names), right(decibels(layer.alone.sqnr_db()), 14),
                right(cosine_text(layer.alone.cosine()), kCosine), right(decibels(layer.all_but.sqnr_db()), 14),
                right(percent(layer.layer.clipped), 10));
    if (has_labels) {
      text += right(percent(top1(sensitivity, layer.alone.correct)), 13) +
              right(percent(top1(sensitivity, layer.all_but.correct)), 12);
    }
    text += "\n";
  }
  if (shown < order.size()) text += cat("  ", order.size() - shown, " more in --report\n");
  return text;
}

std::string outcome_text(const SensitivityRequest& request, const SkipOutcome& outcome) {
  const std::string wanted =
      request.target_sqnr ? cat("for ", decibels(*request.target_sqnr)) : cat("with a budget of ", *request.budget);
  return cat(line_of(cat(request.recipe.string(), ": ", wanted, " skips ", counted(outcome.names.size(), "layer"),
                         outcome.names.empty() ? "" : ": " + join(outcome.names))),
             "  quantized with it: ", decibels(outcome.reached.sqnr_db()), ", cosine ",
             cosine_text(outcome.reached.cosine()), "\n");
}

Json effect_json(const Sensitivity& sensitivity, const Effect& effect) {
  Json json{{"sqnr_db", decibels_json(effect.sqnr_db())}, {"cosine", number(static_cast<float>(effect.cosine()))}};
  if (sensitivity.classes > 0) json["top1"] = number(static_cast<float>(top1(sensitivity, effect.correct)));
  return json;
}

}  // namespace

std::vector<size_t> ranked(const Sensitivity& sensitivity, SensitivityRank rank) {
  std::vector<size_t> order(sensitivity.layers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t layer) { return worth(sensitivity.layers[layer], rank); });
  return order;
}

std::string sensitivity_summary(const SensitivityRequest& request, const Sensitivity& sensitivity,
                                const std::optional<SkipOutcome>& outcome) {
  const auto* rank = std::ranges::find(kRanks, request.rank, &std::pair<SensitivityRank, const char*>::first);
  std::string text =
      cat(line_of(cat(request.model.string(), ": ", counted(sensitivity.layers.size(), "layer"), " on ",
                      counted(static_cast<size_t>(sensitivity.samples), "sample"), ", ranked by ", rank->second)),
          table(sensitivity, ranked(sensitivity, request.rank)),
          "all quantized: ", decibels(sensitivity.quantized.sqnr_db()), ", cosine ",
          cosine_text(sensitivity.quantized.cosine()), "\n");
  if (sensitivity.classes > 0) {
    text += line_of(cat("top-1 of output ", sensitivity.classifier.str(), ", ", sensitivity.classes,
                        " classes: ", percent(top1(sensitivity, sensitivity.correct_in_float)), " in floating point, ",
                        percent(top1(sensitivity, sensitivity.quantized.correct)), " quantized"));
  }
  if (outcome) text += outcome_text(request, *outcome);
  return text;
}

Json sensitivity_json(const SensitivityRequest& request, const Sensitivity& sensitivity,
                      const std::optional<SkipOutcome>& outcome) {
  Json report{{"version", GRAFTWORK_VERSION},
              {"model", request.model.filename().string()},
              {"samples", sensitivity.samples},
              {"outputs", Json::array()}};
  for (const Symbol output : sensitivity.outputs) report["outputs"].push_back(output.str());
  if (sensitivity.classes > 0) {
    report["labels"] = {{"output", sensitivity.classifier.str()},
                        {"classes", sensitivity.classes},
                        {"top1_in_float", number(static_cast<float>(top1(sensitivity, sensitivity.correct_in_float)))}};
  }
  report["quantized"] = effect_json(sensitivity, sensitivity.quantized);
  std::vector<Json> ranks(sensitivity.layers.size(), Json::object());
  for (const auto& [rank, name] : kRanks) {
    if (rank == SensitivityRank::kTop1 && sensitivity.classes == 0) continue;
    const std::vector<size_t> order = ranked(sensitivity, rank);
    for (size_t i = 0; i < order.size(); ++i) ranks[order[i]][name] = i + 1;
  }
  report["layers"] = Json::array();
  for (const size_t index : ranked(sensitivity, request.rank)) {
    const LayerSensitivity& layer = sensitivity.layers[index];
    report["layers"].push_back({{"module", layer.layer.module.str()},
                                {"layer", layer.layer.layer.str()},
                                {"clipped", number(static_cast<float>(layer.layer.clipped))},
                                {"alone", effect_json(sensitivity, layer.alone)},
                                {"all_but", effect_json(sensitivity, layer.all_but)},
                                {"ranks", std::move(ranks[index])}});
  }
  if (!outcome) return report;
  Json& recipe = report["recipe"];
  if (request.target_sqnr) recipe["target_sqnr_db"] = *request.target_sqnr;
  if (request.budget) recipe["budget"] = *request.budget;
  recipe["skipped"] = outcome->names;
  recipe["expected"] = effect_json(sensitivity, outcome->chosen.effect);
  recipe["reached"] = effect_json(sensitivity, outcome->reached);
  return report;
}

}  // namespace graftwork::core::cli
