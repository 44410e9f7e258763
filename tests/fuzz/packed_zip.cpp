#include "fuzz/packed_zip.h"

#include <zlib.h>

#include "graftwork/archive/zip_reader.h"
#include "graftwork/base/error.h"

namespace graftwork::core::fuzz {
namespace {

constexpr size_t kAlignment = 64;

/// Numbers as zip has them: little-endian, so many bytes each.
class Record {
 public:
  Record& two(size_t number) { return bytes(number, 2); }
  Record& four(size_t number) { return bytes(number, 4); }
  const std::string& text() const { return text_; }

 private:
  Record& bytes(size_t number, int count) {
    for (int i = 0; i < count; ++i) text_ += static_cast<char>(number >> (8 * i) & 0xFF);
    return *this;
  }
  std::string text_;
};

/// What the header of an entry and its line of the directory both say.
void describe(Record& record, const ZipPart& part) {
  const auto* bytes = reinterpret_cast<const Bytef*>(part.body.data());
  record.two(20).two(0).two(0).four(0x00210000);
  record.four(::crc32(0, bytes, static_cast<uInt>(part.body.size()))).four(part.body.size()).four(part.body.size());
}

}  // namespace

std::vector<ZipPart> unpacked(std::span<const uint8_t> archive) {
  std::vector<ZipPart> parts;
  try {
    const ZipReader zip(std::as_bytes(archive), nullptr, "");
    for (const ZipEntry& entry : zip.entries()) {
      if (!entry.is_stored()) continue;
      parts.push_back(
          {std::string(entry.name), {reinterpret_cast<const char*>(entry.packed.data()), entry.packed.size()}});
    }
  } catch (const Error&) {
    parts.clear();
  }
  return parts;
}

std::string packed(const std::vector<ZipPart>& parts) {
  constexpr size_t kHeader = 30;
  std::string archive, directory;
  for (const ZipPart& part : parts) {
    const size_t offset = archive.size();
    const size_t padding = (kAlignment - (offset + kHeader + part.name.size()) % kAlignment) % kAlignment;
    Record header;
    header.four(0x04034b50);
    describe(header, part);
    header.two(part.name.size()).two(padding);
    archive.append(header.text()).append(part.name).append(padding, '\0').append(part.body);
    Record line;
    line.four(0x02014b50).two(20);
    describe(line, part);
    line.two(part.name.size()).two(0).two(0).two(0).two(0).four(0).four(offset);
    directory.append(line.text()).append(part.name);
  }
  Record end;
  end.four(0x06054b50).two(0).two(0).two(parts.size()).two(parts.size());
  end.four(directory.size()).four(archive.size()).two(0);
  return archive + directory + end.text();
}

}  // namespace graftwork::core::fuzz
