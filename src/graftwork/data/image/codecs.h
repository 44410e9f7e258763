// The two decoders behind decode.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
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

/// What a file claims to hold.
struct ImageClaim {
  int64_t width = 0;
  int64_t height = 0;
  int64_t channels = 0;             ///< As stored.
  bool keeps_coefficients = false;  ///< A JPEG whose scans refine the whole picture: two bytes for each of its own.
};

/// Is told before anything is made room for; throws where there is none.
using Admit = std::function<void(const ImageClaim&)>;

/// Decode a whole file. Throw Error "data.image", and what `admit` throws.
DecodedImage decode_jpeg(std::span<const std::byte> bytes, const Admit& admit);
DecodedImage decode_png(std::span<const std::byte> bytes, const Admit& admit);

/// What a decoder found wrong with a file, in the library's words.
Error damaged_image(const char* format, const char* problem);

/// Room for the pixels.
Image make_image(int64_t width, int64_t height, int64_t channels);

}  // namespace graftwork::core
