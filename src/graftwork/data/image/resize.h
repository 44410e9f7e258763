// Resizing with antialiasing, and the cut of a part in the same go.
#pragma once

#include "graftwork/data/image/image.h"

namespace graftwork::core {

struct ImageSize {
  int64_t width = 0;
  int64_t height = 0;
  friend bool operator==(const ImageSize&, const ImageSize&) = default;
};

/// A rectangle of pixels.
struct ImagePart {
  int64_t left = 0;
  int64_t top = 0;
  ImageSize size;
};

/// `part` of what the picture is at `size`, by a triangle filter that widens with the factor by which a direction
/// shrinks, along rows and along columns, each pass rounded to 8 bits: the bytes of Pillow's Image.resize with
/// BILINEAR, then crop. Only the part is computed. Sizes must be at least 1, and the part must lie within `size`.
Image resize_bilinear(const Image& image, ImageSize size, const ImagePart& part);

}  // namespace graftwork::core
