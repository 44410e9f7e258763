// What networks and samples hold, as a few characters that tell them apart.
#pragma once

#include <span>
#include <string>

#include "graftwork/nn/tensor_store.h"

namespace graftwork {

/// 16 hexadecimal digits: types, shapes and elements.
std::string content_hash(std::span<const at::Tensor> tensors);
/// Its graph and its tensors, by name.
std::string content_hash(const Network& network);

}  // namespace graftwork
