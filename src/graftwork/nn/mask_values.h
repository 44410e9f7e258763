// Numbers that only say "not this one".
#pragma once

#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "graftwork/nn/tensor_store.h"

namespace graftwork::core {

/// Masks: −∞, or a finite constant that stands for it (the least number of a type, −1e9), on the way to who gives such
/// numbers no weight: softmax, maxima, ReLU, sigmoid, exp, … The way leads through sums, choices and data movement. Any
/// number far below the others serves a mask; so FP16's least does.
class MaskValues {
 public:
  explicit MaskValues(const Network& network);
  /// Knows the values inside the module that `call` calls too: those of its body's instance (ir/body.h).
  void look_into(const Graph& body, const Node& call);

  /// Whether all that reads the value gives numbers far below the others no weight.
  bool is_absorbed(const Node& node) const { return absorbed_.contains(&node); }
  /// What is at or below this in the node's value is a mask; −∞ where −∞ alone is. Nothing where there is no mask.
  std::optional<double> threshold(const Node& node) const;
  /// Whether finite numbers of the value are masks.
  bool holds_finite_mask(const Node& node) const;

 private:
  void find_threshold(const Node& node);
  void look_over(const Graph& graph, bool result_absorbs);

  const Network* network_;
  std::unordered_set<const Node*> absorbed_;
  std::unordered_map<const Node*, double> thresholds_;
};

}  // namespace graftwork::core
