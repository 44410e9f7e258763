#include "graftwork/archive/zip_writer.h"

#include <algorithm>

#include "graftwork/archive/crc32.h"
#include "graftwork/archive/zip_format.h"
#include "graftwork/base/error.h"

namespace graftwork::core {
namespace {

using namespace zip;

constexpr uint64_t kAlignment = 64;
constexpr uint16_t kVersion = 45;      // zip64
constexpr uint16_t kDate = 0x0021;     // 1 January 1980, the first day a zip can name
constexpr uint16_t kPadding = 0x4647;  // an extra field that no reader knows, so every reader skips it

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

uint32_t saturated(uint64_t value) { return static_cast<uint32_t>(std::min<uint64_t>(value, kSaturated32)); }

/// The fields that local and directory headers share, from "version needed" to "extra length".
std::string common_fields(uint32_t checksum, uint64_t size, size_t name_size, size_t extra_size) {
  std::string out;
  put<uint16_t>(out, kVersion);
  put<uint16_t>(out, kFlagUtf8);
  put<uint16_t>(out, kStored);
  put<uint16_t>(out, 0);
  put<uint16_t>(out, kDate);
  put<uint32_t>(out, checksum);
  put<uint32_t>(out, saturated(size));
  put<uint32_t>(out, saturated(size));
  put<uint16_t>(out, static_cast<uint16_t>(name_size));
  put<uint16_t>(out, static_cast<uint16_t>(extra_size));
  return out;
}

/// The zip64 extra field: the numbers that do not fit their 32-bit places.
std::string wide_extra(std::initializer_list<uint64_t> numbers) {
  std::string wide;
  for (const uint64_t number : numbers) {
    if (number >= kSaturated32) put<uint64_t>(wide, number);
  }
  if (wide.empty()) return wide;
  std::string out;
  put<uint16_t>(out, kZip64Extra);
  put<uint16_t>(out, static_cast<uint16_t>(wide.size()));
  return out + wide;
}

}  // namespace

void ZipWriter::write(std::string_view bytes) {
  file_.write(bytes);
  written_ += bytes.size();
}

void ZipWriter::add(std::string_view name, std::span<const std::span<const std::byte>> pieces) {
  GRAFTWORK_ASSERT(name.size() <= 0xffff);
  Record record{.name = std::string(name), .checksum = 0, .size = 0, .offset = written_};
  for (const auto piece : pieces) {
    record.checksum = checksum(piece, record.checksum);
    record.size += piece.size();
  }

  std::string extra = wide_extra({record.size, record.size});
  constexpr uint64_t kFieldHeader = 4;
  const uint64_t unpadded = written_ + kLocalHeaderSize + name.size() + extra.size() + kFieldHeader;
  const uint64_t padding = (kAlignment - unpadded % kAlignment) % kAlignment;
  put<uint16_t>(extra, kPadding);
  put<uint16_t>(extra, static_cast<uint16_t>(padding));
  extra.append(padding, '\0');

  std::string header;
  put<uint32_t>(header, kLocalHeader);
  header += common_fields(record.checksum, record.size, name.size(), extra.size());
  write(header + record.name + extra);
  for (const auto piece : pieces) write({reinterpret_cast<const char*>(piece.data()), piece.size()});
  records_.push_back(std::move(record));
}

void ZipWriter::finish() {
  const uint64_t begin = written_;
  for (const Record& record : records_) {
    const std::string extra = wide_extra({record.size, record.size, record.offset});
    std::string header;
    put<uint32_t>(header, kDirectoryHeader);
    put<uint16_t>(header, kVersion);
    header += common_fields(record.checksum, record.size, record.name.size(), extra.size());
    put<uint16_t>(header, 0);  // comment
    put<uint16_t>(header, 0);  // disk
    put<uint16_t>(header, 0);  // internal attributes
    put<uint32_t>(header, 0);  // external attributes
    put<uint32_t>(header, saturated(record.offset));
    header += record.name;
    header += extra;
    write(header);
  }
  const uint64_t end = written_;
  const uint64_t count = records_.size();
  std::string tail;
  if (count >= kSaturated16 || end >= kSaturated32) {
    put<uint32_t>(tail, kEnd64);
    put<uint64_t>(tail, kEnd64Size - 12);
    put<uint16_t>(tail, kVersion);
    put<uint16_t>(tail, kVersion);
    put<uint64_t>(tail, 0);  // this disk, the directory's disk
    put<uint64_t>(tail, count);
    put<uint64_t>(tail, count);
    put<uint64_t>(tail, end - begin);
    put<uint64_t>(tail, begin);
    put<uint32_t>(tail, kEnd64Locator);
    put<uint32_t>(tail, 0);
    put<uint64_t>(tail, end);
    put<uint32_t>(tail, 1);
  }
  const auto short_count = static_cast<uint16_t>(std::min<uint64_t>(count, kSaturated16));
  put<uint32_t>(tail, kEnd);
  put<uint32_t>(tail, 0);  // this disk, the directory's disk
  put<uint16_t>(tail, short_count);
  put<uint16_t>(tail, short_count);
  put<uint32_t>(tail, saturated(end - begin));
  put<uint32_t>(tail, saturated(begin));
  put<uint16_t>(tail, 0);  // comment
  write(tail);
}

}  // namespace graftwork::core
