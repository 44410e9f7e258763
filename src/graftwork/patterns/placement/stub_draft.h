// Which inputs of fused modules are to be quantized, while that is being decided.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "graftwork/ir/graph_module.h"
#include "graftwork/patterns/placement/placement_rules.h"
#include "graftwork/patterns/placement/precision.h"
#include "graftwork/patterns/placement/quant_policy.h"

namespace graftwork::core {

struct BodyLayer;

/// Begins with the inputs and inner values that the fused kinds declare, where the module has a low-precision kernel;
/// in a network that was trained with fake-quantize operators with these, and no others. Inputs are those of a module's
/// call: one that is called twice has one decision for each input.
class StubDraft {
 public:
  struct Decision {
    bool quantized = false;
    bool given = false;       ///< The network brings this stub with it: it stays.
    std::string reason = {};  ///< Why, or why not, with the rule that says so.
    bool excluded = false;    ///< By the recipe: no pattern quantizes it.
  };

  /// Graph and rules must outlive the draft.
  StubDraft(const GraphModule& module, const PlacementRules& rules, QuantPolicy policy, Precision precision);

  const GraphModule& module() const { return module_; }
  const PlacementRules& rules() const { return rules_; }
  /// What the recipe leaves in floating point by what it is: of a call that a rule of its names, nothing.
  QuantPolicy policy(const Node& call) const;
  /// A rule of the recipe decides about the call, and no policy does.
  void exempt_from_policy(const Node& call) { exempt_.insert(call.module().index); }
  /// Of the call's stubs: the draft's, unless it was set.
  Precision precision(const Node& call) const;
  void set_precision(const Node& call, Precision precision);
  /// Whether the node calls a fused module: these have decisions.
  bool is_fused(const Node& node) const;

  /// Requires a call of a fused module and one of its inputs.
  const Decision& decision(const Node& call, size_t input) const;
  bool quantized(const Node& call, size_t input) const { return decision(call, input).quantized; }
  void quantize(const Node& call, size_t input, std::string reason);
  void leave_float(const Node& call, size_t input, std::string reason);

  /// The same for inner values that the kind names. Requires one of these.
  const Decision& decision(const Node& call, Symbol value) const;
  bool quantized(const Node& call, Symbol value) const { return decision(call, value).quantized; }
  void quantize(const Node& call, Symbol value, std::string reason);
  void leave_float(const Node& call, Symbol value, std::string reason);
  /// All of the call's inputs, and the inner values.
  void leave_float(const Node& call, const std::string& reason);
  /// The same by the recipe: no pattern quantizes them afterwards.
  void exclude(const Node& call, const std::string& reason);
  /// Says why the call's inputs and inner values that are not quantized are left so.
  void explain(const Node& call, const std::string& reason);
  /// Whether what a layer of the called module reads is quantized.
  bool reads_quantized(const Node& call, const BodyLayer& layer) const;
  /// Counts the decisions that were changed.
  size_t changes() const { return changes_; }

  /// What is worth saying of what was decided: once, however often.
  void warn(std::string text);
  const std::vector<std::string>& warnings() const { return warnings_; }

  /// Whether all readers of the value take it in INT8, also behind what keeps INT8 (Q moves up to the value then).
  bool is_read_as_int8(const Node& value) const;
  /// Whether the value comes, through data movement at most, from a kernel whose layer reads INT8.
  bool comes_from_int8_kernel(Node& value) const;

  /// The stubs on the two values, where they have any, get one scale; `at` names the place.
  void share_scale(const Node& a, const Node& b, const Node& at);
  /// The place that a value shares its scale at, the first in the graph; null when it shares with nobody.
  const Node* scale_group(const Node& value) const;

 private:
  void decide_inner_values(const Node& call, bool brings_stubs);
  void change(Decision& decision, bool quantized, std::string reason);
  const Node* leader(const Node* value) const;

  const GraphModule& module_;
  const PlacementRules& rules_;
  QuantPolicy policy_;
  Precision precision_;
  std::unordered_set<uint32_t> exempt_;                           // modules
  std::unordered_map<uint32_t, Precision> precisions_;            // by module, where it is another
  std::map<std::pair<uint32_t, size_t>, Decision> decisions_;     // by module and input
  std::map<std::pair<uint32_t, Symbol>, Decision> inner_values_;  // by module and value
  std::unordered_map<const Node*, const Node*> shared_;           // disjoint sets of values: one step up
  std::unordered_map<const Node*, const Node*> places_;           // of a set's leader
  size_t changes_ = 0;
  std::vector<std::string> warnings_;
};

}  // namespace graftwork::core
