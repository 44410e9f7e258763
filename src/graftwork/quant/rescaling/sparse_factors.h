// Factors on a few of many channels.
#pragma once

#include <cstdint>
#include <map>

namespace graftwork::core {

struct ChannelFactors {
  int64_t channels = 0;
  std::map<int64_t, double> by;  ///< Of those whose factor is not 1, by number of the channel.
};

}  // namespace graftwork::core
