#include "graftwork/data/image/convert.h"

#include <cstddef>

#include "graftwork/base/error.h"

namespace graftwork::core {
namespace {

/// a · b / 255, rounded to nearest.
uint8_t multiply(unsigned a, unsigned b) {
  const unsigned product = a * b + 128;
  return static_cast<uint8_t>(((product >> 8) + product) >> 8);
}

Image with_channels(const Image& image, int64_t channels) {
  Image made{image.width, image.height, channels, {}};
  made.pixels.resize(static_cast<size_t>(image.width * image.height * channels));
  return made;
}

/// Each ink takes its part from what black leaves.
Image from_inks(const Image& inks) {
  Image rgb = with_channels(inks, 3);
  uint8_t* out = rgb.pixels.data();
  for (const uint8_t* in = inks.pixels.data(); in != inks.pixels.data() + inks.pixels.size(); in += 4) {
    const unsigned light = 255U - in[3];
    for (int i = 0; i < 3; ++i) *out++ = static_cast<uint8_t>(light - multiply(in[i], light));
  }
  return rgb;
}

/// 0.299 R + 0.587 G + 0.114 B in 16-bit fixed point, rounded to nearest.
Image to_grey(const Image& rgb) {
  Image grey = with_channels(rgb, 1);
  const uint8_t* in = rgb.pixels.data();
  for (uint8_t& out : grey.pixels) {
    out = static_cast<uint8_t>((in[0] * 19595U + in[1] * 38470U + in[2] * 7471U + 0x8000U) >> 16);
    in += 3;
  }
  return grey;
}

Image to_rgb(const Image& grey) {
  Image rgb = with_channels(grey, 3);
  uint8_t* out = rgb.pixels.data();
  for (const uint8_t value : grey.pixels) {
    for (int i = 0; i < 3; ++i) *out++ = value;
  }
  return rgb;
}

}  // namespace

Image in_color(Image image, ImageColor color) {
  if (image.channels == 4) image = from_inks(image);
  if (image.channels == 3 && color == ImageColor::kGrey) return to_grey(image);
  if (image.channels == 1 && color == ImageColor::kRgb) return to_rgb(image);
  return image;
}

Image upright(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  // Exif says where the stored first row and first column belong: 5 to 8 exchange them, and the rest is mirrored.
  const bool swaps = orientation >= 5;
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Image turned = with_channels(image, image.channels);
  if (swaps) std::swap(turned.width, turned.height);
  uint8_t* out = turned.pixels.data();
  for (int64_t y = 0; y < turned.height; ++y) {
    for (int64_t x = 0; x < turned.width; ++x) {
      int64_t column = swaps ? y : x;
      int64_t row = swaps ? x : y;
      if (from_right) column = image.width - 1 - column;
      if (from_bottom) row = image.height - 1 - row;
      const uint8_t* in = image.pixels.data() + (row * image.width + column) * image.channels;
      for (int64_t i = 0; i < image.channels; ++i) *out++ = in[i];
    }
  }
  return turned;
}

}  // namespace graftwork::core
