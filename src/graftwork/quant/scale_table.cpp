#include "graftwork/quant/scale_table.h"

#include <algorithm>
#include <unordered_set>

#include "graftwork/base/error.h"
#include "graftwork/base/first_of.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"

namespace graftwork::core {
namespace {

std::vector<std::string> unknown_names(const ScaleTable& table, const StubPlan& plan, const Network& network) {
  std::vector<std::string> unknown;
  for (const StubScale& line : table.stubs) {
    const auto is_meant = [&](const PlannedStub& stub) { return stub.stub == line.stub && stub.tensor == line.tensor; };
    if (std::ranges::none_of(plan.stubs, is_meant)) unknown.push_back(cat(line.stub.str(), " on %", line.tensor.str()));
  }
  for (const WeightScales& line : table.weights) {
    const auto is_meant = [&](const PlannedWeight& weight) {
      return weight.quantized && weight.layer == line.layer && weight.module == line.module;
    };
    if (std::ranges::none_of(plan.weights, is_meant))
      unknown.push_back(cat("the weight of ", line.layer.str(), " in ", line.module.str()));
  }
  std::unordered_set<std::string> nodes;
  for (const Node& node : network.module.graph().nodes()) nodes.insert(node.name().str());
  for (const auto& [name, reason] : table.wide) {
    if (!nodes.contains(name)) unknown.push_back("%" + name);
  }
  return unknown;
}

void check_precisions(const ScaleTable& table, const StubPlan& plan) {
  const auto refuse = [](const std::string& what, Precision given, Precision planned) {
    throw Error("scales.other",
                cat("the scale table's scale of ", what, " is of ", title_of(given), ", and ", title_of(planned),
                    " is asked for"),
                "the recipe or plan that it was made with, or a new table");
  };
  for (const PlannedStub& stub : plan.stubs) {
    const StubScale* line = table.stub(stub.stub);
    if (line && line->precision != stub.precision) refuse(stub.stub.str(), line->precision, stub.precision);
  }
  for (const PlannedWeight& weight : plan.weights) {
    const WeightScales* line = weight.quantized ? table.weight(weight.module, weight.layer) : nullptr;
    if (line && line->precision != weight.precision)
      refuse("the weight of " + weight.layer.str(), line->precision, weight.precision);
  }
}

}  // namespace

const StubScale* ScaleTable::stub(Symbol name) const {
  const auto line = std::ranges::find(stubs, name, &StubScale::stub);
  return line == stubs.end() ? nullptr : &*line;
}

const WeightScales* ScaleTable::weight(Symbol module, Symbol layer) const {
  const auto line = std::ranges::find_if(
      weights, [&](const WeightScales& scales) { return scales.module == module && scales.layer == layer; });
  return line == weights.end() ? nullptr : &*line;
}

void check_scale_table(const ScaleTable& table, const StubPlan& plan, const Network& network, bool keeps_batch_norm,
                       const std::string& rescaling) {
  if (const std::vector<std::string> unknown = unknown_names(table, plan, network); !unknown.empty())
    throw Error("scales.unknown", cat("the scale table names what is not quantized here: ", first_of(unknown)),
                "the recipe or plan that it was made with, or taking the lines out");
  check_precisions(table, plan);
  const std::string hint = "the recipe, options and data that it was made with, or a new table";
  if (table.keeps_batch_norm != keeps_batch_norm)
    throw Error("scales.batch_norm",
                cat("the scale table is of a network whose batch norms ",
                    table.keeps_batch_norm ? "stay" : "are folded", ": its weights are others"),
                hint);
  if (table.rescaling != rescaling)
    throw Error("scales.other", "the scale table is of a network whose channels were rescaled in another way", hint);
}

void check_shared_scales(const ScaleTable& table, const StubPlan& plan) {
  std::map<Symbol, const StubScale*> first;
  for (const PlannedStub& stub : plan.stubs) {
    const StubScale* line = stub.scale_group.empty() || stub.given ? nullptr : table.stub(stub.stub);
    if (!line) continue;
    const StubScale* other = first.try_emplace(stub.scale_group, line).first->second;
    if (other->scale == line->scale) continue;
    throw Error("scales.value",
                cat(other->stub.str(), " and ", line->stub.str(), " share one scale, and the table gives them two",
                    plan.shared_scale_rule),
                "the same scale for both");
  }
}

std::vector<std::string> not_in_table(const ScaleTable& table, const StubPlan& plan, DType float_type,
                                      const StatisticsRequest& request) {
  std::vector<std::string> missing;
  for (const PlannedStub& stub : plan.stubs) {
    if (!stub.given && !table.stub(stub.stub)) missing.push_back(cat(stub.stub.str(), " on %", stub.tensor.str()));
  }
  for (const auto& [tensor, value] : request.values) {
    if (value.mean_axis && !table.means.contains(tensor.str())) missing.push_back("the mean of %" + tensor.str());
  }
  if (float_type == DType::kF16 && table.float_type != DType::kF16)
    missing.emplace_back("what FP16 cannot hold: it was made without FP16 regions");
  return missing;
}

std::map<std::string, Range> ranges_of(const ScaleTable& table) {
  std::map<std::string, Range> ranges;
  for (const StubScale& line : table.stubs) ranges[line.tensor.str()].include(line.min, line.max);
  return ranges;
}

}  // namespace graftwork::core
