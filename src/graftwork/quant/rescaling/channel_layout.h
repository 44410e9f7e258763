// Where the channels that a layer or norm makes stand in a tensor.
#pragma once

#include <optional>
#include <vector>

#include "graftwork/ir/dim.h"

namespace graftwork::core {

/// Follows numbered channels through what gives a tensor another order or shape. Each axis is a row of factors, the
/// outer first; the place along one with a stride, times that, counts for the channel's number. Heads that are folded
/// into batches, repeated keys and values, windows of a map are all that.
class ChannelLayout {
 public:
  /// Channels 0, 1, … along `axis`, whose extent is static.
  ChannelLayout(const std::vector<Dim>& dims, size_t axis);

  size_t rank() const { return axes_.size(); }
  /// Whether no channels stand along it.
  bool is_free(size_t axis) const;

  // What becomes of it. Nothing where the channels cannot be followed.

  /// The same elements in the same order under another shape.
  std::optional<ChannelLayout> reshaped(const std::vector<Dim>& dims) const;
  /// Axis i is axis `order[i]` of this.
  ChannelLayout permuted(const std::vector<size_t>& order) const;
  /// The place `index` of an axis, which goes.
  std::optional<ChannelLayout> selected(size_t axis, int64_t index) const;
  /// `extent` places of an axis, from `start` on.
  std::optional<ChannelLayout> sliced(size_t axis, int64_t start, const Dim& extent) const;
  /// Free axes have other extents, or are new in front; the others are as they were.
  std::optional<ChannelLayout> resized(const std::vector<Dim>& dims) const;

  /// The channel at each place along `axis`. Nothing where some stand along another axis.
  std::optional<std::vector<int64_t>> channels_along(size_t axis) const;
  /// All of them, ascending.
  std::vector<int64_t> channels() const;

  friend bool operator==(const ChannelLayout&, const ChannelLayout&) = default;
  /// Whether the same channels stand along the same axes; extents of free axes may differ.
  bool agrees_with(const ChannelLayout& other) const;

 private:
  struct Factor {
    Dim extent;
    int64_t stride = 0;  // 0: counts for no channel
    friend bool operator==(const Factor&, const Factor&) = default;
  };
  using Axis = std::vector<Factor>;

  ChannelLayout() = default;
  static bool is_free(const Axis& axis);
  static std::optional<Axis> take(const Dim& extent, std::vector<Factor>& factors);
  std::vector<int64_t> places(const Axis& axis) const;

  std::vector<Axis> axes_;
  int64_t first_ = 0;  // what all channels' numbers begin with
};

}  // namespace graftwork::core
