// The constants that a file holds for one node.
#pragma once

#include <string>
#include <vector>

#include "graftwork/nn/tensor_store.h"

namespace graftwork::core {

struct WrittenConstant {
  std::string name;    ///< "other", "conv.weight".
  double largest = 0;  ///< Largest magnitude of its finite numbers.
  /// What FP16 keeps of it, in dB, where it is a factor; infinite otherwise.
  double quality = 0;
  const Node* value = nullptr;  ///< Where the node reads it; null where it is its own.

  bool fits() const;
  bool keeps_bits() const;
};

/// Numbers among the node's attributes, constants that it reads, and parameters of the module that it calls, with batch
/// norm folded; without the weights that the file holds as codes.
std::vector<WrittenConstant> written_constants(const Network& network, const Node& node);

}  // namespace graftwork::core
