#include "graftwork/data/image/exif.h"

#include <cstdint>
#include <optional>

namespace graftwork::core {
namespace {

constexpr int kUpright = 1;
constexpr uint16_t kOrientationTag = 0x0112;
constexpr uint16_t kShort = 3;  // TIFF's name for 16 bits
constexpr size_t kEntrySize = 12;

/// Numbers of a TIFF structure in its own byte order; nothing beyond its end.
class TiffReader {
 public:
  TiffReader(std::span<const std::byte> bytes, bool is_big_endian) : bytes_(bytes), is_big_endian_(is_big_endian) {}

  std::optional<uint32_t> number(size_t at, size_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at) return std::nullopt;
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      const size_t shift = 8 * (is_big_endian_ ? size - 1 - i : i);
      value |= static_cast<uint32_t>(bytes_[at + i]) << shift;
    }
    return value;
  }

 private:
  std::span<const std::byte> bytes_;
  bool is_big_endian_;
};

}  // namespace

int exif_orientation(std::span<const std::byte> exif) {
  if (exif.size() < 8 || exif[0] != exif[1]) return kUpright;
  const auto order = static_cast<char>(exif[0]);
  if (order != 'I' && order != 'M') return kUpright;
  const TiffReader tiff(exif, order == 'M');
  if (tiff.number(2, 2) != 42) return kUpright;
  const size_t directory = *tiff.number(4, 4);
  const uint32_t count = tiff.number(directory, 2).value_or(0);
  for (uint32_t i = 0; i < count; ++i) {
    const size_t entry = directory + 2 + i * kEntrySize;
    const std::optional<uint32_t> tag = tiff.number(entry, 2);
    if (!tag) break;
    if (tag != kOrientationTag) continue;
    const uint32_t value = tiff.number(entry + 2, 2) == kShort ? tiff.number(entry + 8, 2).value_or(0) : 0;
    return value >= 1 && value <= 8 ? static_cast<int>(value) : kUpright;
  }
  return kUpright;
}

}  // namespace graftwork::core
