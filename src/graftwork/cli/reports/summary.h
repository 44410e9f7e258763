// What the command tells people at its end.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "graftwork/ir/graph_module.h"
#include "graftwork/place/stub_plan.h"

namespace graftwork::core::cli {

/// Labelled lines in two columns; a label stands only on the first of its lines.
class Table {
 public:
  void add(const std::string& label, const std::string& text);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::string last_label_;
};

/// Fused modules by kind, and what is left outside of them.
std::string graph_summary(const GraphModule& transformed);

/// What `quantize` did.
struct QuantizeSummary {
  std::string model;
  std::string output;
  const GraphModule* transformed = nullptr;
  const StubPlan* plan = nullptr;
  std::vector<std::string> warnings;
  int64_t samples = 0;
  std::vector<std::string> sample_facts;
  std::vector<std::string> inputs;         ///< What they look like, a line each.
  int64_t measured_on = 0;                 ///< Samples that the losses below are of.
  std::vector<std::string> outputs;        ///< What they lose, a line each.
  std::vector<std::string> worst_kernels;  ///< A line each.
  uint64_t bytes = 0;
  int64_t opset = 0;
  std::string float_type;
  std::vector<std::string> wide;                        ///< What stays in FP32 among FP16, a line for each region.
  std::vector<std::string> equalization;                ///< What cross-layer equalization moved.
  std::vector<std::string> smoothing;                   ///< What SmoothQuant moved.
  std::vector<std::string> outlier_channels;            ///< What is divided in front of its Q.
  std::vector<std::pair<std::string, double>> seconds;  ///< By stage, in order.
};
std::string quantize_summary(const QuantizeSummary& facts);

}  // namespace graftwork::core::cli
