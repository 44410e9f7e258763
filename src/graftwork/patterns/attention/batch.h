// Groupings of the dimensions in front of matrices: [B·H] and [B, H] are the same elements.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "graftwork/rewrite/graft.h"

namespace graftwork::core {

/// The shape of a mask [..., a, b] on scores of the batch `coarse`, once the batch is grouped as `fine`: extents of 1
/// stay so. Nothing where the one is no grouping of the other.
std::optional<std::vector<Dim>> regrouped(std::span<const Dim> mask, std::span<const Dim> coarse,
                                          std::span<const Dim> fine);

/// `value` as `dims`; itself where it is that already. Null when more than one extent is known at run time only.
Node* viewed(Node& value, std::span<const Dim> dims, Graft& graft, const Origin& origin);

}  // namespace graftwork::core
