// Builds zip archives byte by byte, honest ones and lying ones, without the code under test.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/reader_testing.h"

namespace graftwork::core::testing {

struct ZipPart {
  std::string name;
  std::string body;
  uint16_t method = 0;
  uint16_t flags = 0;
  /// What the directory says instead of the truth.
  std::optional<uint32_t> packed_size = {};
  std::optional<uint32_t> size = {};
  std::optional<uint32_t> offset = {};
  std::optional<uint32_t> checksum = {};
  std::optional<std::string> local_name = {};
  /// Put the numbers of the directory into a zip64 extra field.
  bool wide = false;
};

struct ZipEnd {
  std::optional<uint16_t> count = {};
  std::optional<uint32_t> directory_size = {};
  std::optional<uint32_t> directory_offset = {};
  /// A zip64 end record; `wide_count` is its count.
  bool wide = false;
  std::optional<uint64_t> wide_count = {};
  std::string comment = {};
};

inline uint32_t crc_of(std::string_view text) {
  uint32_t value = 0xffffffff;
  for (const char c : text) {
    value ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0xedb88320u : 0u);
  }
  return ~value;
}

/// A deflate stream that holds `text` in blocks without compression.
inline std::string deflated(std::string_view text) {
  std::string out;
  do {
    const std::string_view block = text.substr(0, 0xffff);
    text.remove_prefix(block.size());
    const auto size = static_cast<uint16_t>(block.size());
    out += text.empty() ? '\x01' : '\x00';
    out += little(size) + little(static_cast<uint16_t>(~size));
    out += block;
  } while (!text.empty());
  return out;
}

/// Method 8 with the sizes and checksum of `text`.
inline ZipPart deflated_part(std::string name, std::string_view text) {
  return {.name = std::move(name),
          .body = deflated(text),
          .method = 8,
          .size = static_cast<uint32_t>(text.size()),
          .checksum = crc_of(text)};
}

inline std::string zip_bytes(const std::vector<ZipPart>& parts, const ZipEnd& end = {}) {
  std::string out;
  std::string directory;
  for (const ZipPart& part : parts) {
    const auto offset = part.offset.value_or(static_cast<uint32_t>(out.size()));
    const auto body_size = static_cast<uint32_t>(part.body.size());
    const uint32_t packed = part.packed_size.value_or(body_size);
    const uint32_t size = part.size.value_or(body_size);
    const std::string local_name = part.local_name.value_or(part.name);
    const auto version = little<uint16_t>(20);
    const std::string facts = little(part.flags) + little(part.method) + little<uint32_t>(0x00210000) +
                              little(part.checksum.value_or(crc_of(part.body)));
    // Sizes of zero, as archives written as streams have them here: only the directory counts.
    out += little<uint32_t>(0x04034b50) + version + facts + little<uint64_t>(0) +
           little(static_cast<uint16_t>(local_name.size())) + little<uint16_t>(0) + local_name + part.body;

    std::string extra;
    const uint32_t full = 0xffffffff;
    if (part.wide) {
      extra = little<uint16_t>(1) + little<uint16_t>(24) + little<uint64_t>(size) + little<uint64_t>(packed) +
              little<uint64_t>(offset);
    }
    directory += little<uint32_t>(0x02014b50) + version + version + facts + little(part.wide ? full : packed) +
                 little(part.wide ? full : size) + little(static_cast<uint16_t>(part.name.size())) +
                 little(static_cast<uint16_t>(extra.size())) + little<uint16_t>(0) + little<uint32_t>(0) +
                 little<uint32_t>(0) + little(part.wide ? full : offset) + part.name + extra;
  }
  const size_t begin = out.size();
  out += directory;
  if (end.wide) {
    const size_t record = out.size();
    const uint64_t count = end.wide_count.value_or(parts.size());
    out += little<uint32_t>(0x06064b50) + little<uint64_t>(44) + little<uint32_t>(0) + little<uint64_t>(0) +
           little(count) + little(count) + little<uint64_t>(directory.size()) + little<uint64_t>(begin);
    out += little<uint32_t>(0x07064b50) + little<uint32_t>(0) + little<uint64_t>(record) + little<uint32_t>(1);
  }
  const uint16_t count = end.count.value_or(static_cast<uint16_t>(parts.size()));
  out += little<uint32_t>(0x06054b50) + little<uint32_t>(0) + little(count) + little(count) +
         little(end.directory_size.value_or(static_cast<uint32_t>(directory.size()))) +
         little(end.directory_offset.value_or(static_cast<uint32_t>(begin))) +
         little(static_cast<uint16_t>(end.comment.size())) + end.comment;
  return out;
}

}  // namespace graftwork::core::testing
