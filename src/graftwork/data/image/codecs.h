// The two decoders behind decode.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "graftwork/base/error.h"
#include "graftwork/data/image/image.h"

namespace graftwork::core {

struct DecodedImage {
  /// As stored: not turned, grey or RGB or CMYK.
  Image image;
  /// 1 to 8, from Exif.
  int orientation = 1;
};

/// Decode a whole file. Throw Error "data.image".
DecodedImage decode_jpeg(std::span<const std::byte> bytes);
DecodedImage decode_png(std::span<const std::byte> bytes);

/// What a decoder found wrong with a file, in the library's words.
Error damaged_image(const char* format, const char* problem);

/// Throws Error "data.image" for more than 2²⁸ pixels: a few bytes can claim any size.
void check_size(int64_t width, int64_t height);

/// Room for the pixels. Throws as check_size does.
Image make_image(int64_t width, int64_t height, int64_t channels);

}  // namespace graftwork::core
