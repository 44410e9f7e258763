#include "graftwork/data/image/decode.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/base/text.h"
#include "graftwork/data/image/codecs.h"
#include "graftwork/data/image/convert.h"

namespace graftwork::core {
namespace {

constexpr int64_t kLongestSide = int64_t{1} << 17;
constexpr std::array<uint8_t, 3> kJpegBegin{0xff, 0xd8, 0xff};
constexpr std::array<uint8_t, 8> kPngBegin{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

template <size_t kSize>
bool begins_with(std::span<const std::byte> bytes, const std::array<uint8_t, kSize>& begin) {
  return bytes.size() >= kSize && std::equal(begin.begin(), begin.end(), bytes.begin(),
                                             [](uint8_t a, std::byte b) { return a == static_cast<uint8_t>(b); });
}

/// With the copy that other colours or another direction take.
int64_t bytes_of(const ImageClaim& claim, ImageColor color) {
  const int64_t pixels = claim.width * claim.height;
  const int64_t stored = pixels * claim.channels;
  const int64_t wanted = pixels * (color == ImageColor::kRgb ? 3 : 1);
  return (claim.keeps_coefficients ? 3 * stored : stored) + std::max(stored, wanted);
}

}  // namespace

bool is_image_file(const std::filesystem::path& path) {
  std::string suffix = path.extension().string();
  std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return suffix == ".jpg" || suffix == ".jpeg" || suffix == ".png";
}

Error damaged_image(const char* format, const char* problem) {
  return {"data.image", cat("the ", format, " picture is damaged: ", problem), "removing the file or making it again"};
}

Image make_image(int64_t width, int64_t height, int64_t channels) {
  Image image{width, height, channels, {}};
  image.pixels.resize(static_cast<size_t>(width * height * channels));
  return image;
}

Image decode_image(std::span<const std::byte> bytes, ImageColor color, PictureMemory& memory,
                   PictureMemory::Room& room) {
  const auto admit = [&](const ImageClaim& claim) {
    if (claim.width > kLongestSide || claim.height > kLongestSide) {
      throw Error("data.image",
                  cat("the picture claims ", claim.width, "x", claim.height, " pixels, more than can be meant"));
    }
    room = memory.ask(bytes_of(claim, color), std::ssize(bytes));
  };
  DecodedImage decoded;
  if (begins_with(bytes, kJpegBegin)) {
    decoded = decode_jpeg(bytes, admit);
  } else if (begins_with(bytes, kPngBegin)) {
    decoded = decode_png(bytes, admit);
  } else {
    throw Error("data.image", "this is neither a JPEG nor a PNG picture", "converting it, or removing the file");
  }
  return upright(in_color(std::move(decoded.image), color), decoded.orientation);
}

Image decode_image(std::span<const std::byte> bytes, ImageColor color) {
  PictureMemory memory;
  PictureMemory::Room room;
  return decode_image(bytes, color, memory, room);
}

Image read_image(const std::filesystem::path& path, ImageColor color, PictureMemory& memory,
                 PictureMemory::Room& room) {
  const MappedFile file(path);
  try {
    return decode_image(file.bytes(), color, memory, room);
  } catch (Error& error) {
    error.at(path.string());
    throw;
  }
}

}  // namespace graftwork::core
