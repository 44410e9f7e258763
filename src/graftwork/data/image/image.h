// A picture in memory: 8 bits a channel, rows from the top.
#pragma once

#include <cstdint>
#include <vector>

namespace graftwork::core {

enum class ImageColor : uint8_t { kGrey, kRgb };

/// `pixels` holds height × width × channels bytes, channels side by side.
struct Image {
  int64_t width = 0;
  int64_t height = 0;
  int64_t channels = 0;  ///< 1: grey, 3: red, green, blue; 4 only while a CMYK file is being decoded.
  std::vector<uint8_t> pixels;
};

}  // namespace graftwork::core
