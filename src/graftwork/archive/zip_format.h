// The numbers of the zip format (APPNOTE 6.3) that the reader and the writer share.
// Everything in a zip is little-endian.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace graftwork::core::zip {

static_assert(std::endian::native == std::endian::little, "archives are read and written without swapping bytes");

inline constexpr uint32_t kLocalHeader = 0x04034b50;
inline constexpr uint32_t kDirectoryHeader = 0x02014b50;
inline constexpr uint32_t kEnd = 0x06054b50;
inline constexpr uint32_t kEnd64 = 0x06064b50;
inline constexpr uint32_t kEnd64Locator = 0x07064b50;

inline constexpr size_t kLocalHeaderSize = 30;
inline constexpr size_t kDirectoryHeaderSize = 46;
inline constexpr size_t kEndSize = 22;
inline constexpr size_t kEnd64Size = 56;
inline constexpr size_t kEnd64LocatorSize = 20;
inline constexpr size_t kMaxCommentSize = 0xffff;

/// A 16- or 32-bit field with every bit set says that the real number is in the zip64 part.
inline constexpr uint16_t kSaturated16 = 0xffff;
inline constexpr uint32_t kSaturated32 = 0xffffffff;
inline constexpr uint16_t kZip64Extra = 0x0001;

inline constexpr uint16_t kStored = 0;
inline constexpr uint16_t kDeflated = 8;
inline constexpr uint16_t kFlagEncrypted = 0x0001;
inline constexpr uint16_t kFlagMaskedHeaders = 0x2000;
inline constexpr uint16_t kFlagUtf8 = 0x0800;

/// The number at `offset`; the caller has checked that it lies within `bytes`.
template <class T>
T load(std::span<const std::byte> bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.subspan(offset, sizeof(T)).data(), sizeof(T));
  return value;
}

}  // namespace graftwork::core::zip
