// Views whose sizes are known at run time only.
#pragma once

#include <optional>
#include <span>

#include "graftwork/ir/attribute.h"
#include "graftwork/ir/dim.h"

namespace graftwork::core {

struct ViewCall {
  Symbol op;
  AttrMap attrs;
};

/// The call that gives a tensor of extents `from` the extents `to`, as many elements, without being told a size: one
/// extent that is known at run time only is what is left, and further ones stay as they are beside a dimension that is
/// split or dimensions that are joined. Nothing when it takes more.
std::optional<ViewCall> view_call(std::span<const Dim> from, std::span<const Dim> to);

}  // namespace graftwork::core
