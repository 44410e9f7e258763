// What networks and samples hold, as a few characters that tell them apart.
#pragma once

#include <span>
#include <string>

#include "graftwork/nn/tensor_store.h"

namespace graftwork::core {

/// Of tensors that come one after the other; none of them is kept.
class ContentHash {
 public:
  void add(const at::Tensor& tensor);
  /// 16 hexadecimal digits: types, shapes and elements of all, in their order.
  std::string digits() const;

 private:
  std::string lines_;  // one for each tensor
};

/// The same of all at once.
std::string content_hash(std::span<const at::Tensor> tensors);
/// Its graph and its tensors, by name.
std::string content_hash(const Network& network);

}  // namespace graftwork::core
