// Factors that bring a few outlying channels down to the others.
#pragma once

#include <ATen/ATen.h>

#include <vector>

namespace graftwork::core {

/// s = max(1, amax / limit) for each channel: those above the limit come down to it, the others stay as they are.
struct LimitedChannels {
  double limit = 0;
  at::Tensor factors;  ///< [channels], double
};

/// For limits that are the 2nd, 4th, 8th, … largest of `amax`, [channels], up to the half of all channels; those that
/// change nothing, or are 0, are left out.
std::vector<LimitedChannels> limited_channels(const at::Tensor& amax);

}  // namespace graftwork::core
