// Small picture files, made in memory.
#pragma once

#include <cstdio>
// jpeglib.h uses FILE and size_t without including them.
#include <jpeglib.h>
#include <png.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "graftwork/data/image/image.h"
#include "support/reader_testing.h"

namespace graftwork::core::testing {

/// A picture whose pixels all differ from their neighbours.
inline Image pattern(int64_t width, int64_t height, int64_t channels) {
  Image image{width, height, channels, {}};
  for (int64_t i = 0; i < width * height * channels; ++i) {
    image.pixels.push_back(static_cast<uint8_t>((i * 37 + i / width * 11) % 256));
  }
  return image;
}

inline std::string png_bytes(const Image& image, std::string_view exif = {}) {
  std::string bytes;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &bytes,
      [](png_structp at, png_bytep data, size_t size) {
        static_cast<std::string*>(png_get_io_ptr(at))->append(reinterpret_cast<const char*>(data), size);
      },
      nullptr);
  png_set_IHDR(png, info, static_cast<png_uint_32>(image.width), static_cast<png_uint_32>(image.height), 8,
               image.channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  std::string block(exif);
  if (!block.empty()) {
    png_set_eXIf_1(png, info, static_cast<png_uint_32>(block.size()), reinterpret_cast<png_bytep>(block.data()));
  }
  png_write_info(png, info);
  for (int64_t y = 0; y < image.height; ++y) {
    png_write_row(png, image.pixels.data() + y * image.width * image.channels);
  }
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return bytes;
}

inline std::string jpeg_bytes(const Image& image, std::string_view exif = {}) {
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* data = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &data, &size);
  jpeg.image_width = static_cast<JDIMENSION>(image.width);
  jpeg.image_height = static_cast<JDIMENSION>(image.height);
  jpeg.input_components = static_cast<int>(image.channels);
  jpeg.in_color_space = image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg_simple_progression(&jpeg);
  jpeg_start_compress(&jpeg, TRUE);
  if (!exif.empty()) {
    const std::string marker = std::string("Exif\0\0", 6) + std::string(exif);
    jpeg_write_marker(&jpeg, JPEG_APP0 + 1, reinterpret_cast<const JOCTET*>(marker.data()),
                      static_cast<unsigned>(marker.size()));
  }
  while (jpeg.next_scanline < jpeg.image_height) {
    auto* row = const_cast<JSAMPROW>(image.pixels.data() + jpeg.next_scanline * jpeg.image_width * image.channels);
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  std::string bytes(reinterpret_cast<const char*>(data), size);
  std::free(data);
  return bytes;
}

/// Exif data that say nothing but the orientation, in either byte order.
inline std::string orientation_exif(int orientation, bool is_big_endian = false) {
  const auto number = [&](uint32_t value, size_t size) {
    std::string text;
    for (size_t i = 0; i < size; ++i) {
      text += static_cast<char>(value >> (8 * (is_big_endian ? size - 1 - i : i)) & 0xff);
    }
    return text;
  };
  return (is_big_endian ? "MM" : "II") + number(42, 2) + number(8, 4) + number(1, 2) + number(0x0112, 2) +
         number(3, 2) + number(1, 4) + number(static_cast<uint32_t>(orientation), 2) + number(0, 2) + number(0, 4);
}

}  // namespace graftwork::core::testing
