// What is made of small numbers and suffers from FP16.
#pragma once

#include <map>
#include <set>
#include <string>

#include "graftwork/nn/tensor_store.h"

namespace graftwork::core {

/// By anchor (HalfProbe): the nodes that have to compute in FP32 for its sake.
class HalfFindings {
 public:
  struct Found {
    std::set<std::string> nodes;
    double worst = 0;  ///< What FP16 keeps of the anchor, dB; −infinite where it becomes NaN or infinite.
  };

  void add(const std::string& anchor, const Found& found);
  void merge(const HalfFindings& other);
  const std::map<std::string, Found>& found() const { return found_; }
  /// The nodes by name, with the reasons.
  WideNodes wide_nodes() const;

 private:
  std::map<std::string, Found> found_;
};

}  // namespace graftwork::core
