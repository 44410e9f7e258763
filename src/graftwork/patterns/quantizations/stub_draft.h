// Which inputs of fused modules are to be quantized, while that is being decided.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "graftwork/ir/graph_module.h"

namespace graftwork {

/// Begins with the inputs that the fused kinds declare, where the module has an INT8 kernel; in a network that was
/// trained with fake-quantize operators with these, and no others. Inputs are those of a module's call: one that is
/// called twice has one decision for each input.
class StubDraft {
 public:
  struct Decision {
    bool quantized = false;
    bool given = false;  ///< The network brings this stub with it: it stays.
    std::string reason;  ///< Why, or why not, with the rule that says so.
  };

  explicit StubDraft(const GraphModule& module);

  const GraphModule& module() const { return module_; }

  /// Requires a call of a fused module and one of its inputs.
  const Decision& decision(const Node& call, size_t input) const;
  bool quantized(const Node& call, size_t input) const { return decision(call, input).quantized; }
  void quantize(const Node& call, size_t input, std::string reason);
  void leave_float(const Node& call, size_t input, std::string reason);
  /// Counts the decisions that were changed.
  size_t changes() const { return changes_; }

  /// Whether all readers of the value take it in INT8, also behind what keeps INT8 (Q moves up to the value then).
  bool is_read_as_int8(const Node& value) const;
  /// Whether the value comes, through data movement at most, from a kernel that reads INT8.
  bool comes_from_int8_kernel(Node& value) const;

  /// The stubs on the two values, where they have any, get one scale; `at` names the place.
  void share_scale(const Node& a, const Node& b, const Node& at);
  /// The place that a value shares its scale at, the first in the graph; null when it shares with nobody.
  const Node* scale_group(const Node& value) const;

 private:
  Decision& at(const Node& call, size_t input);
  const Node* leader(const Node* value) const;

  const GraphModule& module_;
  std::map<std::pair<uint32_t, size_t>, Decision> decisions_;  // by module and input
  std::unordered_map<const Node*, const Node*> shared_;        // disjoint sets of values: one step up
  std::unordered_map<const Node*, const Node*> places_;        // of a set's leader
  size_t changes_ = 0;
};

}  // namespace graftwork
