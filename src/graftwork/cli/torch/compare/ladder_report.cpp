#include "graftwork/cli/torch/compare/ladder_report.h"

#include <algorithm>
#include <cmath>

#include "graftwork/base/number_text.h"
#include "graftwork/base/text.h"
#include "graftwork/cli/output/output.h"
#include "graftwork/cli/reports/summary.h"
#include "graftwork/cli/torch/loss_report.h"

namespace graftwork::core::cli {
namespace {

std::string text_of(const Difference& difference) {
  if (difference.error.empty()) return "of another shape";
  return cat(decibels(difference.error.sqnr_db()), ", cosine ", cosine_text(difference.error.cosine()), ", largest ",
             short_number(difference.largest));
}

/// Kernels whose own quantization shows, in the order of the network.
const KernelLoss* first_loss(const Losses& losses) {
  const auto found = std::ranges::find_if(losses.kernels, [](const KernelLoss& kernel) {
    return !kernel.own.empty() && !(std::isinf(kernel.own.sqnr_db()) && kernel.own.sqnr_db() > 0);
  });
  return found == losses.kernels.end() ? nullptr : &*found;
}

std::string divergence_text(const Divergence& divergence) {
  const bool is_named = divergence.module.empty() || divergence.module == divergence.value;
  const std::string place = is_named ? "" : cat(" of ", divergence.module.str());
  const std::string value = cat("%", divergence.value.str(), place, ": ");
  if (divergence.difference.error.empty()) return value + "another shape";
  if (divergence.allowed == 0) return value + text_of(divergence.difference);
  return cat(value, "differs by ", short_number(divergence.difference.largest), ", rounding explains ",
             short_number(divergence.allowed));
}

void add_divergence(Table& table, const Rung& rung) {
  constexpr const char* kLabel = "  first divergence";
  if (!rung.losses) {
    table.add(kLabel, rung.first ? divergence_text(*rung.first) : "none beyond rounding");
    return;
  }
  const KernelLoss* first = first_loss(*rung.losses);
  table.add(kLabel, first ? cat(first->layer.str(), ": ", decibels(first->own.sqnr_db()), " by itself") : "none");
  for (const KernelLoss* kernel : worst_kernels(*rung.losses, 1)) {
    if (kernel != first)
      table.add("  loses most", cat(kernel->layer.str(), ": ", decibels(kernel->own.sqnr_db()), " by itself"));
  }
}

Json difference_json(const Difference& difference) {
  if (difference.error.empty()) return nullptr;
  return {{"sqnr_db", decibels_json(difference.error.sqnr_db())},
          {"cosine", number(static_cast<float>(difference.error.cosine()))},
          {"largest_difference", number(static_cast<float>(difference.largest))}};
}

Json divergence_json(const Rung& rung) {
  if (rung.losses) {
    const KernelLoss* first = first_loss(*rung.losses);
    if (!first) return nullptr;
    return {{"value", first->value.str()},
            {"module", first->module.str()},
            {"layer", first->layer.str()},
            {"own_sqnr_db", decibels_json(first->own.sqnr_db())}};
  }
  if (!rung.first) return nullptr;
  Json json{{"value", rung.first->value.str()},
            {"module", rung.first->module.str()},
            {"difference", difference_json(rung.first->difference)}};
  if (rung.first->allowed > 0) json["explained_by_rounding"] = number(static_cast<float>(rung.first->allowed));
  return json;
}

}  // namespace

std::string ladder_text(const CompareRequest& request, const Ladder& ladder) {
  std::vector<std::string> names{"float"};
  Table table;
  for (const Rung& rung : ladder.rungs) {
    names.push_back(rung.name);
    if (!rung.left_out.empty()) {
      table.add(rung.name, "left out: " + rung.left_out);
      continue;
    }
    for (const OutputDistance& output : rung.outputs) {
      table.add(rung.name, cat(output.output.str(), ": ", text_of(output.against_float), " against float"));
      if (rung.previous != "float")
        table.add(rung.name,
                  cat(output.output.str(), ": ", text_of(output.against_previous), " against ", rung.previous));
    }
    add_divergence(table, rung);
    if (!rung.note.empty()) table.add("  note", rung.note);
  }
  return line_of(cat(request.model.string(), ": ", join(names, " -> "), ", on ",
                     counted(static_cast<size_t>(ladder.samples), "sample"))) +
         table.text();
}

Json ladder_json(const CompareRequest& request, const Ladder& ladder) {
  Json report{{"version", GRAFTWORK_VERSION},
              {"model", request.model.filename().string()},
              {"samples", ladder.samples},
              {"rungs", Json::array()}};
  for (const Rung& rung : ladder.rungs) {
    Json json{{"rung", rung.name}, {"previous", rung.previous}};
    if (!rung.left_out.empty()) {
      json["left_out"] = rung.left_out;
      report["rungs"].push_back(std::move(json));
      continue;
    }
    json["outputs"] = Json::array();
    for (const OutputDistance& output : rung.outputs)
      json["outputs"].push_back({{"output", output.output.str()},
                                 {"against_float", difference_json(output.against_float)},
                                 {"against_previous", difference_json(output.against_previous)}});
    json["first_divergence"] = divergence_json(rung);
    if (rung.losses) json["losses"] = losses_json(*rung.losses);
    if (!rung.note.empty()) json["note"] = rung.note;
    report["rungs"].push_back(std::move(json));
  }
  return report;
}

}  // namespace graftwork::core::cli
