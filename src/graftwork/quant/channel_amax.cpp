#include "graftwork/quant/channel_amax.h"

#include <utility>

#include "graftwork/base/error.h"

namespace graftwork::core {

void ChannelAmax::add(const at::Tensor& values, int64_t axis) {
  const at::Tensor rows = values.detach().transpose(axis, -1).flatten(0, -2);
  const auto [least, largest] = rows.aminmax(0);
  const at::Tensor amax = at::maximum(least.abs(), largest.abs()).to(at::kFloat);
  if (amax_.defined() && amax_.numel() != amax.numel())
    throw Error("quant.channels", "the number of channels changes from sample to sample");
  amax_ = amax_.defined() ? at::maximum(amax_, amax) : amax;
}

ChannelAmax ChannelAmax::restored(at::Tensor amax) {
  ChannelAmax result;
  result.amax_ = std::move(amax);
  return result;
}

void ChannelAmax::merge(const ChannelAmax& other) {
  if (other.empty()) return;
  if (amax_.defined() && amax_.numel() != other.amax_.numel())
    throw Error("quant.channels", "the number of channels changes from sample to sample");
  amax_ = amax_.defined() ? at::maximum(amax_, other.amax_) : other.amax_;
}

}  // namespace graftwork::core
