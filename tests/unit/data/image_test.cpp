#include <random>

#include "graftwork/data/image/convert.h"
#include "graftwork/data/image/decode.h"
#include "graftwork/data/image/exif.h"
#include "graftwork/data/image/resize.h"
#include "unit/archive/zip_bytes.h"
#include "unit/data/image_bytes.h"

namespace graftwork::core {
namespace {

using namespace testing;

Image decode(const std::string& bytes, ImageColor color = ImageColor::kRgb) {
  return decode_image(as_bytes(bytes), color);
}

TEST(Exif, ReadsTheOrientationInBothByteOrders) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    EXPECT_EQ(exif_orientation(as_bytes(orientation_exif(orientation))), orientation);
    EXPECT_EQ(exif_orientation(as_bytes(orientation_exif(orientation, true))), orientation);
  }
}

TEST(Exif, TakesWhatIsDamagedForUpright) {
  const std::string good = orientation_exif(6);
  for (size_t size = 0; size < 20; ++size) EXPECT_EQ(exif_orientation(as_bytes(good.substr(0, size))), 1);
  EXPECT_EQ(exif_orientation(as_bytes(orientation_exif(0))), 1);
  EXPECT_EQ(exif_orientation(as_bytes(orientation_exif(9))), 1);
  EXPECT_EQ(exif_orientation(as_bytes("II*\0\xff\xff\xff\xff")), 1);
  EXPECT_EQ(exif_orientation(as_bytes("XX" + good.substr(2))), 1);
}

TEST(Upright, PutsTheFirstRowAndColumnWhereExifSays) {
  // a b
  // c d
  // e f
  const Image stored{2, 3, 1, {'a', 'b', 'c', 'd', 'e', 'f'}};
  const char* const wanted[] = {"abcdef", "badcfe", "fedcba", "efcdab", "acebdf", "ecafdb", "fdbeca", "bdface"};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Image image = upright(stored, orientation);
    EXPECT_EQ(image.width, orientation < 5 ? 2 : 3) << orientation;
    EXPECT_EQ(image.height, orientation < 5 ? 3 : 2) << orientation;
    EXPECT_EQ(std::string(image.pixels.begin(), image.pixels.end()), wanted[orientation - 1]) << orientation;
  }
}

TEST(InColor, WeighsGreyAsLuma) {
  const Image rgb{5, 1, 3, {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 1, 2, 3}};
  EXPECT_EQ(in_color(rgb, ImageColor::kGrey).pixels, (std::vector<uint8_t>{76, 150, 29, 255, 2}));
  const Image grey{2, 1, 1, {7, 9}};
  EXPECT_EQ(in_color(grey, ImageColor::kRgb).pixels, (std::vector<uint8_t>{7, 7, 7, 9, 9, 9}));
}

TEST(InColor, LetsBlackTakeFromEachInk) {
  const Image inks{3, 1, 4, {0, 0, 0, 0, 255, 0, 128, 0, 10, 20, 30, 255}};
  EXPECT_EQ(in_color(inks, ImageColor::kRgb).pixels, (std::vector<uint8_t>{255, 255, 255, 0, 255, 127, 0, 0, 0}));
}

TEST(Resize, LeavesAPictureOfTheSameSizeAsItIs) {
  const Image image = pattern(7, 5, 3);
  EXPECT_EQ(resize_bilinear(image, {7, 5}, {0, 0, {7, 5}}).pixels, image.pixels);
}

TEST(Resize, KeepsOneColourAtAnySize) {
  const Image image{9, 4, 1, std::vector<uint8_t>(36, 200)};
  for (const ImageSize size : {ImageSize{1, 1}, ImageSize{3, 17}, ImageSize{40, 2}}) {
    const Image resized = resize_bilinear(image, size, {0, 0, size});
    EXPECT_EQ(resized.pixels, std::vector<uint8_t>(static_cast<size_t>(size.width * size.height), 200));
  }
}

TEST(Resize, WeighsByTheTriangle) {
  // Half the size: the filter reaches two pixels each way, with weights 1/8, 3/8, 3/8, 1/8 inside and 3/7, 3/7, 1/7 at
  // the border.
  const Image image{4, 1, 1, {0, 64, 128, 255}};
  const Image resized = resize_bilinear(image, {2, 1}, {0, 0, {2, 1}});
  EXPECT_EQ(resized.pixels,
            (std::vector<uint8_t>{46, 173}));  // (3·64 + 128) / 7 = 45.7, (64 + 3·128 + 3·255) / 7 = 173.3
}

TEST(Resize, ComputesAPartAsItWouldTheWhole) {
  const Image image = pattern(23, 31, 3);
  for (const ImageSize size : {ImageSize{17, 40}, ImageSize{40, 29}}) {  // rows first, columns first
    const Image whole = resize_bilinear(image, size, {0, 0, size});
    const ImagePart part{3, 6, {9, 20}};
    const Image cut = resize_bilinear(image, size, part);
    for (int64_t y = 0; y < part.size.height; ++y) {
      const auto at = whole.pixels.begin() + ((part.top + y) * size.width + part.left) * 3;
      const auto row = cut.pixels.begin() + y * part.size.width * 3;
      EXPECT_TRUE(std::equal(row, row + part.size.width * 3, at)) << "row " << y;
    }
  }
}

TEST(Decode, ReadsPng) {
  for (const int64_t channels : {1, 3}) {
    const Image image = pattern(13, 7, channels);
    const Image read = decode(png_bytes(image), channels == 1 ? ImageColor::kGrey : ImageColor::kRgb);
    EXPECT_EQ(read.width, 13);
    EXPECT_EQ(read.height, 7);
    EXPECT_EQ(read.pixels, image.pixels);
  }
}

TEST(Decode, ReadsJpegCloseToWhatWasWritten) {
  Image image{32, 16, 3, {}};
  for (int i = 0; i < 32 * 16; ++i) image.pixels.insert(image.pixels.end(), {200, 100, static_cast<uint8_t>(i % 32)});
  const Image read = decode(jpeg_bytes(image));
  ASSERT_EQ(read.pixels.size(), image.pixels.size());
  for (size_t i = 0; i < read.pixels.size(); ++i) EXPECT_NEAR(read.pixels[i], image.pixels[i], 12);
}

TEST(Decode, TurnsByExif) {
  const Image image = pattern(5, 3, 1);
  EXPECT_EQ(decode(png_bytes(image, orientation_exif(6)), ImageColor::kGrey).pixels, upright(image, 6).pixels);
  const Image flat = decode(jpeg_bytes(pattern(40, 24, 3)));
  EXPECT_EQ(decode(jpeg_bytes(pattern(40, 24, 3), orientation_exif(8, true))).pixels, upright(flat, 8).pixels);
}

TEST(Decode, RefusesOtherFormats) {
  expect_error("data.image", "neither a JPEG nor a PNG", [] { decode("GIF89a and so on"); });
  expect_error("data.image", "neither", [] { decode(""); });
}

TEST(Decode, RefusesSizesThatAreNotMeant) {
  std::string png = png_bytes(pattern(2, 2, 1));
  png.replace(16, 8, std::string("\x7f\xff\xff\xff\x7f\xff\xff\xff", 8));
  // the header's checksum, over type and content
  const uint32_t crc = crc_of(std::string_view(png).substr(12, 17));
  for (int i = 0; i < 4; ++i) png[static_cast<size_t>(29 + i)] = static_cast<char>(crc >> (24 - 8 * i) & 0xff);
  expect_error("data.image", "2147483647x2147483647", [&] { decode(png); });
}

/// Cut short anywhere, a file is refused, but where all that its pixels need was read.
TEST(Decode, RefusesFilesCutShort) {
  for (const std::string& good : {png_bytes(pattern(31, 17, 3)), jpeg_bytes(pattern(31, 17, 3))}) {
    for (size_t size = 8; size + 2 < good.size(); size += 7) {
      expect_error("data.image", "", [&] { decode(good.substr(0, size)); });
    }
  }
}

TEST(Decode, SurvivesDamage) {
  std::mt19937 random(1);
  for (const std::string& good :
       {png_bytes(pattern(31, 17, 3), orientation_exif(5)), jpeg_bytes(pattern(31, 17, 3), orientation_exif(5))}) {
    for (int round = 0; round < 2000; ++round) {
      std::string bytes = good;
      for (unsigned k = random() % 4 + 1; k > 0; --k) bytes[random() % bytes.size()] = static_cast<char>(random());
      try {
        const Image image = decode(bytes);
        EXPECT_EQ(image.pixels.size(), static_cast<size_t>(image.width * image.height * 3));
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), "data.image");
      }
    }
  }
}

}  // namespace
}  // namespace graftwork::core
