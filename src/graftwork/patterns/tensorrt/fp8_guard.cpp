#include "graftwork/base/text.h"
#include "graftwork/ir/kind.h"
#include "graftwork/patterns/tensorrt/tensorrt.h"

namespace graftwork::core {

Outcome fp8_kernel_exists(const ModuleRecord& layer) {
  constexpr int64_t kMostTaps = 32, kFewChannels = 16;
  const Attribute* groups = attribute_of(layer, "groups");
  if (!groups) return applied();
  if (*groups->get<int64_t>() != 1) return declined("grouped convolutions have no FP8 kernel (rule W23)");
  int64_t taps = 1;
  for (const int64_t extent : *attribute_of(layer, "kernel_size")->get<std::vector<int64_t>>()) taps *= extent;
  if (taps > kMostTaps) return declined(cat("its kernel has ", taps, " taps, more than ", kMostTaps, " (rule W23)"));
  for (const char* channels : {"in_channels", "out_channels"}) {
    const int64_t count = *attribute_of(layer, channels)->get<int64_t>();
    if (count <= kFewChannels)
      return declined(cat("it has ", count, channels[0] == 'i' ? " input" : " output", " channels, not more than ",
                          kFewChannels, ", and falls back from FP8 (rule W23)"));
  }
  return applied();
}

}  // namespace graftwork::core
