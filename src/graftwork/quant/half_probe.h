// Where FP16 holds numbers too coarsely for what is made of them.
#pragma once

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "graftwork/nn/operator_call.h"
#include "graftwork/nn/tensor_store.h"
#include "graftwork/quant/half_findings.h"

namespace graftwork::core {

/// Quotients, logarithms, roots and powers make large numbers of small ones, and so errors of them. Each of these
/// operators, an anchor, is computed again on calibration data, with the operators in front of it, as a file with FP16
/// regions would: every value rounded. Where the result is not what it was, the least set of nodes is sought that have
/// to compute in FP32 for it.
class HalfProbe {
 public:
  explicit HalfProbe(const Network& network);
  ~HalfProbe();
  HalfProbe(const HalfProbe&) = delete;
  HalfProbe& operator=(const HalfProbe&) = delete;

  /// Whether look() reads the node's value.
  bool needs(const Node& node) const { return needed_.contains(&node); }
  /// The float network's values on one micro-batch; adds what they ask for to `findings`. From any thread.
  void look(const std::unordered_map<const Node*, at::Tensor>& values, HalfFindings& findings) const;

 private:
  class Cone;

  std::vector<Cone> cones_;  // one for each anchor, in the order of the graph
  std::unordered_set<const Node*> needed_;
  std::unordered_map<const Node*, at::Tensor> constants_;
};

}  // namespace graftwork::core
