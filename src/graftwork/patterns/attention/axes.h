// Where the elements of a value stand in the value that data movement made it of: views, permutations and parts of one
// tensor are all described alike, whatever operators spell them.
#pragma once

#include <optional>
#include <vector>

#include "graftwork/ir/graph.h"

namespace graftwork::core {

/// Every `stride`-th place of a dimension of the source, `extent` of them.
struct Axis {
  size_t source = 0;  ///< The source's dimension.
  int64_t stride = 1;
  Dim extent;
  friend bool operator==(const Axis&, const Axis&) = default;
};

/// Axes of extent 1 stand nowhere; neighbours that follow each other as in the source are one.
struct Layout {
  std::vector<std::vector<Axis>> dims;  ///< Of each dimension of the value, the outermost axis first.
  std::vector<int64_t> offsets;         ///< By dimension of the source: the first place.

  /// Of the tensor itself. Requires a known shape.
  static Layout of(const TensorType& source);
  /// All axes, the outermost first.
  std::vector<Axis> axes() const;
};

/// The layout of `node`, a call or get_item, whose first input (of a get_item: of whose tuple's call) has the layout
/// `input`. Nothing when it does more than move data, or what it does depends on the run.
std::optional<Layout> moved(const Node& node, const Layout& input);

/// Whether `moved` may know it, by its operator alone: also of operators that give a tuple.
bool moves_data(const Node& node);

}  // namespace graftwork::core
