#include "graftwork/quant/channel_mean.h"

#include <utility>

#include "graftwork/base/error.h"
#include "graftwork/quant/fixed_point.h"

namespace graftwork::core {
namespace {

constexpr double kLargest = 0x1p40;

}  // namespace

void ChannelMean::add(const at::Tensor& values, int64_t axis) {
  std::vector<int64_t> others;
  const int64_t kept = axis < 0 ? axis + values.dim() : axis;
  for (int64_t i = 0; i < values.dim(); ++i) {
    if (i != kept) others.push_back(i);
  }
  const at::Tensor means = (others.empty() ? values : values.mean(others)).to(at::kDouble).contiguous();
  if (sums_.empty()) sums_.resize(static_cast<size_t>(means.numel()));
  if (sums_.size() != static_cast<size_t>(means.numel()))
    throw Error("quant.channels", "the number of channels changes from sample to sample");
  const double* mean = means.const_data_ptr<double>();
  for (size_t i = 0; i < sums_.size(); ++i) sums_[i] += to_fixed(mean[i], kLargest);
  ++count_;
}

void ChannelMean::merge(const ChannelMean& other) {
  if (other.empty()) return;
  if (empty()) sums_.resize(other.sums_.size());
  if (sums_.size() != other.sums_.size())
    throw Error("quant.channels", "the number of channels changes from sample to sample");
  for (size_t i = 0; i < other.sums_.size(); ++i) sums_[i] += other.sums_[i];
  count_ += other.count_;
}

ChannelMean ChannelMean::restored(std::vector<Fixed> sums, int64_t count) {
  ChannelMean result;
  result.sums_ = std::move(sums);
  result.count_ = count;
  return result;
}

at::Tensor ChannelMean::value() const {
  at::Tensor result = at::empty({static_cast<int64_t>(sums_.size())}, at::kDouble);
  double* mean = result.mutable_data_ptr<double>();
  for (size_t i = 0; i < sums_.size(); ++i) mean[i] = to_double(sums_[i]) / static_cast<double>(count_);
  return result;
}

}  // namespace graftwork::core
