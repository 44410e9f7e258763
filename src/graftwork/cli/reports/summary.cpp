#include "graftwork/cli/reports/summary.h"

#include <set>

#include "graftwork/base/number_text.h"
#include "graftwork/base/text.h"
#include "graftwork/cli/output/output.h"
#include "graftwork/cli/reports/network_facts.h"

namespace graftwork::core::cli {
namespace {

std::string count_of(size_t count, const std::string& what) {
  const std::string digits = std::to_string(count);
  return cat(std::string(digits.size() < 4 ? 4 - digits.size() : 0, ' '), digits, "  ", what);
}

void add_graph(Table& table, const GraphModule& transformed) {
  const Counts fused = fused_counts(transformed);
  for (const auto& [kind, count] : fused) table.add("fused modules", count_of(count, kind));
  if (fused.empty()) table.add("fused modules", count_of(0, ""));
  for (const auto& [name, count] : unfused_counts(transformed)) table.add("left as they are", count_of(count, name));
}

/// "INT8"; "INT8, FP8" where layers differ.
std::string formats_of(const StubPlan& plan) {
  std::set<Precision> found;
  for (const PlannedStub& stub : plan.stubs) found.insert(stub.precision);
  for (const PlannedWeight& weight : plan.weights) {
    if (weight.quantized) found.insert(weight.precision);
  }
  std::vector<std::string> titles;
  for (const Precision precision : found) titles.emplace_back(title_of(precision));
  return titles.empty() ? std::string(title_of(Precision::kInt8)) : join(titles);
}

}  // namespace

void Table::add(const std::string& label, const std::string& text) {
  constexpr size_t kColumn = 20;
  const std::string shown = label == last_label_ ? "" : visible(label);
  std::string line =
      cat("  ", shown, std::string(kColumn > shown.size() ? kColumn - shown.size() : 1, ' '), visible(text));
  line.erase(line.find_last_not_of(' ') + 1);
  text_ += line + "\n";
  last_label_ = label;
}

std::string graph_summary(const GraphModule& transformed) {
  Table table;
  add_graph(table, transformed);
  return table.text();
}

std::string quantize_summary(const QuantizeSummary& facts) {
  Table table;
  add_graph(table, *facts.transformed);
  table.add("Q/DQ pairs", count_of(facts.plan->stubs.size(), "on activations"));
  table.add("Q/DQ pairs", count_of(facts.plan->quantized_weights(), "on weights"));
  for (const PlannedWeight& weight : facts.plan->weights) {
    if (!weight.quantized) table.add("in floating point", weight.layer.str() + ": " + weight.reason);
  }
  for (const std::string& region : facts.wide) table.add("in FP32", region);
  for (const std::string& line : facts.equalization) table.add("equalized", line);
  for (const std::string& line : facts.smoothing) table.add("smoothed", line);
  for (const std::string& line : facts.outlier_channels) table.add("outlier channels", line);
  table.add("calibrated on", counted(static_cast<size_t>(facts.samples), "sample"));
  for (const std::string& fact : facts.sample_facts) table.add("calibrated on", fact);
  for (const std::string& line : facts.inputs) table.add("inputs", line);
  const std::string measured = cat("SQNR on ", facts.measured_on);
  for (const std::string& line : facts.outputs) table.add(measured, line);
  for (const std::string& line : facts.worst_kernels) table.add("loses most", line);
  table.add("file", cat(human_bytes(facts.bytes), ", opset ", facts.opset, ", ", facts.float_type, " around ",
                        formats_of(*facts.plan)));
  std::vector<std::string> times;
  for (const auto& [stage, seconds] : facts.seconds) times.push_back(stage + " " + fixed(seconds, 2));
  table.add("seconds", join(times));
  std::string text = line_of(facts.model + " -> " + facts.output) + table.text();
  for (const std::string& warning : facts.warnings) text += line_of("warning: " + warning);
  return text;
}

}  // namespace graftwork::core::cli
