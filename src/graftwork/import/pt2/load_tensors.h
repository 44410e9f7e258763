// The tensors of a .pt2 archive, mapped and not copied.
#pragma once

#include <map>
#include <string>

#include "graftwork/import/pt2/archive_layout.h"
#include "graftwork/import/pt2/schema.h"
#include "graftwork/nn/tensor_store.h"

namespace graftwork::core::pt2 {

/// Tensors by fully qualified name, those of complex numbers as pairs of real ones in a last dimension, and for tied
/// tensors the one name under which they are stored.
struct LoadedTensors {
  TensorStore store;
  /// Every name of the archive → the name of its tensor in `store`. Two names with one storage, offset,
  /// shape and strides are one tensor: the first name in order.
  std::map<std::string, std::string, std::less<>> canonical;

  void load(const Pt2Archive& archive, const PayloadConfig& config, bool is_constant);

 private:
  std::map<std::string, std::string> by_place_;
};

}  // namespace graftwork::core::pt2
