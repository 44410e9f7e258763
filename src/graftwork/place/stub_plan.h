// Where every Q/DQ goes and why.
#pragma once

#include <string>
#include <vector>

#include "graftwork/ir/graph_module.h"
#include "graftwork/patterns/backend.h"
#include "graftwork/place/policy_rules.h"
#include "graftwork/place/quant_config.h"

namespace graftwork::core {

/// Position `input` of the fused module `module`, or, for a stub on an inner value, the readers in its body.
struct StubReader {
  Symbol module;
  int64_t input = 0;
};

/// One stub on one tensor, shared by all its readers.
struct PlannedStub {
  Symbol stub;    ///< "quant_stub_3".
  Symbol tensor;  ///< Name of the value that it quantizes; of an inner value "FusedMlp_0.hidden".
  std::vector<StubReader> readers;
  std::string reason;
  Symbol scale_group;  ///< Stubs that name one value here have one scale; empty: its own.
  bool given = false;  ///< The network has it already, with its scale.
  Symbol value = {};   ///< The inner value of the only reader's body that it quantizes; empty for a value of the graph.
  Precision precision = Precision::kInt8;
};

/// An input or inner value of a fused module that gets no stub.
struct MissingStub {
  StubReader reader;
  std::string reason;
  Symbol value = {};  ///< The inner value; empty for an input.
};

/// The weight of a fused module.
struct PlannedWeight {
  Symbol module;
  Symbol layer;  ///< Path of the part that owns the weight.
  bool quantized = false;
  std::string reason;
  Precision precision = Precision::kInt8;
  /// Input channels that share a scale; 0: one scale for each output channel. With blocks the layer reads floats.
  int64_t block_size = 0;
};

struct StubPlan {
  std::string graph;  ///< Fingerprint of the network that it was made for.
  std::vector<PlannedStub> stubs;
  std::vector<MissingStub> missing;
  std::vector<PlannedWeight> weights;
  std::vector<std::string> warnings;
  std::string shared_scale_rule = {};  ///< Behind the place where a scale is shared.
  /// What the recipe's rules and policies decided, in their order; of policies those that hold somewhere.
  std::vector<RuleHits> rules = {};

  size_t quantized_weights() const;
  /// One decision a line.
  std::string text() const;
};

/// Decides, with the backend's patterns and rules. One stub for each distinct tensor, also seen through operators that
/// only move data. Throws Error "config.skip" when an entry of the recipe matches nothing, "config.policy" for a rule.
StubPlan plan_stubs(const GraphModule& module, const QuantConfig& config, const Backend& backend = *get_backend());

/// Whether an edited plan can be carried out on the network. Throws Error "plan.graph" when it was made for another
/// one, "plan.stub" or "plan.weight" for what does not exist there; adds to `plan.warnings` what will not run in INT8.
void check_stub_plan(const GraphModule& module, StubPlan& plan, const Backend& backend = *get_backend());

/// Inserts the QuantStub nodes, gives modules the stubs on their inner values, and takes the fake-quantize from weights
/// that stay in floating point. Requires the network that the plan was made for.
void apply_stub_plan(GraphModule& module, const StubPlan& plan, const Backend& backend = *get_backend());

/// Name of an inner value of a module: "FusedMlp_0.hidden".
Symbol inner_value_name(Symbol module, Symbol value);

}  // namespace graftwork::core
