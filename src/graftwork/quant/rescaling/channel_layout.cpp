#include "graftwork/quant/rescaling/channel_layout.h"

#include <algorithm>

namespace graftwork::core {

ChannelLayout::ChannelLayout(const std::vector<Dim>& dims, size_t axis) {
  for (size_t i = 0; i < dims.size(); ++i) axes_.push_back({{dims[i], i == axis ? 1 : 0}});
}

bool ChannelLayout::is_free(const Axis& axis) {
  return std::all_of(axis.begin(), axis.end(), [](const Factor& factor) { return factor.stride == 0; });
}

bool ChannelLayout::is_free(size_t axis) const { return is_free(axes_[axis]); }

/// The innermost of `factors`, an axis of that extent, taken from them.
std::optional<ChannelLayout::Axis> ChannelLayout::take(const Dim& extent, std::vector<Factor>& factors) {
  Axis axis;
  Dim taken(1);
  while (taken != extent) {
    if (factors.empty()) return std::nullopt;
    Factor& inner = factors.back();
    if (taken.is_static() && extent.is_static() && inner.extent.is_static()) {
      if (taken.value() == 0 || extent.value() % taken.value() != 0) return std::nullopt;
      const int64_t left = extent.value() / taken.value();
      const int64_t whole = inner.extent.value();
      if (whole > left) {
        if (left == 0 || whole % left != 0) return std::nullopt;
        axis.insert(axis.begin(), {Dim(left), inner.stride});
        inner.extent = Dim(whole / left);
        inner.stride *= left;
        return axis;
      }
    }
    taken = taken * inner.extent;
    axis.insert(axis.begin(), inner);
    factors.pop_back();
  }
  return axis;
}

std::optional<ChannelLayout> ChannelLayout::reshaped(const std::vector<Dim>& dims) const {
  std::vector<Factor> factors;
  for (const Axis& axis : axes_) {
    for (const Factor& factor : axis) {
      if (factor.extent != Dim(1)) factors.push_back(factor);
    }
  }
  ChannelLayout result;
  result.first_ = first_;
  result.axes_.resize(dims.size());
  for (size_t i = dims.size(); i-- > 0;) {
    if (is_free(factors)) {  // however these are joined and split
      result.axes_[i] = {{dims[i], 0}};
      continue;
    }
    std::optional<Axis> axis = take(dims[i], factors);
    if (!axis) return std::nullopt;
    result.axes_[i] = std::move(*axis);
  }
  if (!is_free(factors)) return std::nullopt;
  return result;
}

ChannelLayout ChannelLayout::permuted(const std::vector<size_t>& order) const {
  ChannelLayout result;
  result.first_ = first_;
  for (const size_t axis : order) result.axes_.push_back(axes_[axis]);
  return result;
}

std::optional<ChannelLayout> ChannelLayout::selected(size_t axis, int64_t index) const {
  std::optional<ChannelLayout> one = sliced(axis, index, Dim(1));
  if (one) one->axes_.erase(one->axes_.begin() + static_cast<std::ptrdiff_t>(axis));
  return one;
}

std::optional<ChannelLayout> ChannelLayout::sliced(size_t axis, int64_t start, const Dim& extent) const {
  ChannelLayout result = *this;
  Axis& factors = result.axes_[axis];
  if (is_free(factors)) {
    factors = {{extent, 0}};
    return result;
  }
  if (factors.size() != 1 || !extent.is_static() || start < 0) return std::nullopt;
  result.first_ += start * factors.front().stride;
  factors.front().extent = extent;
  return result;
}

std::optional<ChannelLayout> ChannelLayout::resized(const std::vector<Dim>& dims) const {
  if (dims.size() < rank()) return std::nullopt;
  ChannelLayout result = *this;
  result.axes_.insert(result.axes_.begin(), dims.size() - rank(), Axis{{Dim(1), 0}});
  for (size_t i = 0; i < dims.size(); ++i) {
    Axis& axis = result.axes_[i];
    if (is_free(axis)) {
      axis = {{dims[i], 0}};
      continue;
    }
    Dim extent(1);
    for (const Factor& factor : axis) extent = extent * factor.extent;
    if (extent != dims[i]) return std::nullopt;
  }
  return result;
}

std::vector<int64_t> ChannelLayout::places(const Axis& axis) const {
  std::vector<int64_t> numbers{first_};
  for (const Factor& factor : axis) {
    std::vector<int64_t> finer;
    for (const int64_t number : numbers) {
      for (int64_t place = 0; place < factor.extent.value(); ++place) finer.push_back(number + place * factor.stride);
    }
    numbers = std::move(finer);
  }
  return numbers;
}

std::optional<std::vector<int64_t>> ChannelLayout::channels_along(size_t axis) const {
  for (size_t i = 0; i < rank(); ++i) {
    if (i != axis && !is_free(i)) return std::nullopt;
  }
  const auto is_known = [](const Factor& factor) { return factor.extent.is_static(); };
  if (!std::all_of(axes_[axis].begin(), axes_[axis].end(), is_known)) return std::nullopt;
  return places(axes_[axis]);
}

std::vector<int64_t> ChannelLayout::channels() const {
  Axis strides;
  for (const Axis& axis : axes_) {
    for (const Factor& factor : axis) {
      if (factor.stride != 0) strides.push_back(factor);
    }
  }
  std::vector<int64_t> numbers = places(strides);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

bool ChannelLayout::agrees_with(const ChannelLayout& other) const {
  if (rank() != other.rank() || first_ != other.first_) return false;
  for (size_t i = 0; i < rank(); ++i) {
    const bool free = is_free(i) && other.is_free(i);
    if (!free && axes_[i] != other.axes_[i]) return false;
  }
  return true;
}

}  // namespace graftwork::core
