// The linear layers that queries, keys and values come from, in whatever way their heads are split off.
#pragma once

#include "graftwork/base/outcome.h"
#include "graftwork/patterns/attention/axes.h"

namespace graftwork::core {

/// An operand of attention [batch..., S, D] as rows of a linear layer's weight: head h is the rows
/// first_row + h · head_stride + (0 ≤ d < size).
struct Projection {
  Node* layer = nullptr;  ///< Calls nn.Linear.
  double scale = 1;       ///< What its result is multiplied by.
  int64_t first_row = 0;
  int64_t head_stride = 0;
  int64_t heads = 1;
  int64_t size = 0;
  /// Dimensions of the layer's input: those that count samples, those that count tokens; each in order.
  std::vector<size_t> samples, tokens;
  std::vector<const Node*> way;  ///< From the operand to the layer, both included.

  /// [samples, tokens, features] ← the layer's input.
  bool same_heads(const Projection& other) const {
    return heads == other.heads && size == other.size && samples == other.samples && tokens == other.tokens;
  }
};

/// Declines when `operand` is anything but heads of a linear layer's result.
Outcome read_projection(Node& operand, Projection& projection);

/// Which heads of `projection.layer` a value of this layout is. Declines when it is none.
Outcome read_heads(const Layout& layout, Projection& projection);

/// What reads the value, through data movement and factors; null when it is more than one node, or too much to look at.
const Node* sole_reader(const Node& value);

}  // namespace graftwork::core
