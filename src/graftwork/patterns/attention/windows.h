// Maps that are cut into windows, and windows that are put together to maps, in whatever way that is spelled.
#pragma once

#include <array>
#include <cstdint>

#include "graftwork/base/outcome.h"
#include "graftwork/ir/graph.h"

namespace graftwork::core {

/// How a map [samples, rows, columns, channels] is padded, turned and cut; by rows and columns.
struct WindowForm {
  using Pair = std::array<int64_t, 2>;
  Pair map{};              ///< The map's extents.
  Pair padded{};           ///< Those of what is cut: zeros are at the bottom and on the right.
  Pair window{};           ///< Of one window.
  Pair shift{};            ///< Place i holds what stood at i + shift; 0 where nothing is turned.
  bool pads_first = true;  ///< Or it is turned first.

  Pair grid() const { return {padded[0] / window[0], padded[1] / window[1]}; }
  bool is_padded() const { return padded != map; }
};

/// Whether `windows` come from a grid of windows: what is none has no reason to be asked further.
bool may_be_windows(const Node& windows);

/// The map whose windows [windows · samples, tokens, channels] are. Declines where `windows` are anything else, or
/// something between is read elsewhere.
Outcome read_partition(Node& windows, Node*& map, WindowForm& form);

/// The map that windows of this form, in the shape of `windows`, are put together to, each element where it was.
/// Declines where something else becomes of them.
Outcome read_reverse(Node& windows, const WindowForm& form, Node*& map);

}  // namespace graftwork::core
