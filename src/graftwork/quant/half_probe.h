// Where FP16 holds numbers too coarsely for what is made of them.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "graftwork/nn/operator_call.h"
#include "graftwork/nn/tensor_store.h"

namespace graftwork {

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
  /// The float network's values on one micro-batch. From any thread.
  void look(const std::unordered_map<const Node*, at::Tensor>& values);
  /// What all micro-batches together ask for; does not depend on their order. By name, with the reasons.
  WideNodes found() const;

 private:
  class Cone;
  struct Found {
    std::set<std::string> nodes;
    double worst = 0;  ///< dB.
  };

  std::vector<Cone> cones_;  // one for each anchor, in the order of the graph
  std::unordered_set<const Node*> needed_;
  std::unordered_map<const Node*, at::Tensor> constants_;
  mutable std::mutex mutex_;
  std::map<size_t, Found> found_;  // by cone
};

}  // namespace graftwork
