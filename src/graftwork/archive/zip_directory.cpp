#include "graftwork/archive/zip_directory.h"

#include <algorithm>
#include <optional>

#include "graftwork/archive/zip_format.h"
#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core::zip {
namespace {

using Bytes = std::span<const std::byte>;

[[noreturn]] void fail(const char* code, std::string message) {
  throw Error(code, std::move(message), "making the file again, or copying it again if it was downloaded");
}

/// True when [offset, offset + size) lies within `limit` bytes.
bool fits(uint64_t offset, uint64_t size, uint64_t limit) { return offset <= limit && size <= limit - offset; }

std::string_view text_at(Bytes bytes, size_t offset, size_t size) {
  return {reinterpret_cast<const char*>(bytes.subspan(offset, size).data()), size};
}

struct Directory {
  uint64_t offset = 0;
  uint64_t size = 0;
  uint64_t count = 0;
};

/// Position of the end record: the last place whose comment reaches exactly the end of the file.
size_t find_end(Bytes bytes) {
  if (bytes.size() >= kEndSize) {
    const size_t last = bytes.size() - kEndSize;
    const size_t first = last > kMaxCommentSize ? last - kMaxCommentSize : 0;
    for (size_t at = last + 1; at-- > first;) {
      if (load<uint32_t>(bytes, at) == kEnd && load<uint16_t>(bytes, at + 20) == last - at) return at;
    }
  }
  if (bytes.size() >= 4 && load<uint32_t>(bytes, 0) == kLocalHeader) {
    fail("archive.truncated", "the archive ends before its directory");
  }
  throw Error("archive.format", "this is not a zip archive");
}

/// The zip64 end record, which writers for large files put before the classic one.
std::optional<Directory> find_directory64(Bytes bytes, size_t end) {
  if (end < kEnd64LocatorSize) return std::nullopt;
  const size_t locator = end - kEnd64LocatorSize;
  if (load<uint32_t>(bytes, locator) != kEnd64Locator) return std::nullopt;
  const auto record = load<uint64_t>(bytes, locator + 8);
  if (!fits(record, kEnd64Size, locator) || load<uint32_t>(bytes, record) != kEnd64) {
    fail("archive.corrupt", "the archive's zip64 end record is not where it should be");
  }
  if (load<uint32_t>(bytes, record + 16) != 0 || load<uint32_t>(bytes, record + 20) != 0) {
    fail("archive.corrupt", "the archive is one part of a split archive");
  }
  const Directory directory{.offset = load<uint64_t>(bytes, record + 48),
                            .size = load<uint64_t>(bytes, record + 40),
                            .count = load<uint64_t>(bytes, record + 32)};
  if (!fits(directory.offset, directory.size, record)) {
    fail("archive.bounds", "the archive's directory does not lie within the file");
  }
  return directory;
}

Directory find_directory(Bytes bytes) {
  const size_t end = find_end(bytes);
  const Directory classic{.offset = load<uint32_t>(bytes, end + 16),
                          .size = load<uint32_t>(bytes, end + 12),
                          .count = load<uint16_t>(bytes, end + 10)};
  const std::optional<Directory> wide = find_directory64(bytes, end);
  if (wide) {
    const auto agrees = [](uint64_t small, uint64_t large, uint64_t saturated) {
      return small == saturated || small == large;
    };
    if (!agrees(classic.offset, wide->offset, kSaturated32) || !agrees(classic.size, wide->size, kSaturated32) ||
        !agrees(classic.count, wide->count, kSaturated16)) {
      fail("archive.corrupt", "the archive's two end records contradict each other");
    }
    return *wide;
  }
  if (load<uint16_t>(bytes, end + 4) != 0 || load<uint16_t>(bytes, end + 6) != 0) {
    fail("archive.corrupt", "the archive is one part of a split archive");
  }
  if (!fits(classic.offset, classic.size, end)) {
    fail("archive.bounds", "the archive's directory does not lie within the file");
  }
  return classic;
}

/// One directory header, with the numbers that zip64 may keep in the extra field.
struct Record {
  std::string_view name;
  uint16_t flags = 0;
  uint16_t method = 0;
  uint32_t checksum = 0;
  uint64_t packed_size = 0;
  uint64_t size = 0;
  uint64_t header = 0;
};

void read_zip64_extra(Bytes extra, Record& record) {
  size_t at = 0;
  while (extra.size() - at >= 4) {
    const auto id = load<uint16_t>(extra, at);
    const size_t size = load<uint16_t>(extra, at + 2);
    at += 4;
    if (size > extra.size() - at) return;
    if (id == kZip64Extra) {
      Bytes field = extra.subspan(at, size);
      for (uint64_t* number : {&record.size, &record.packed_size, &record.header}) {
        if (*number != kSaturated32) continue;
        if (field.size() < 8) return;
        *number = load<uint64_t>(field, 0);
        field = field.subspan(8);
      }
      return;
    }
    at += size;
  }
}

/// Reads the header at `at` and moves `at` behind it.
Record read_record(Bytes directory, size_t& at) {
  if (!fits(at, kDirectoryHeaderSize, directory.size()) || load<uint32_t>(directory, at) != kDirectoryHeader) {
    fail("archive.corrupt", "the archive's directory is broken");
  }
  const size_t name_size = load<uint16_t>(directory, at + 28);
  const size_t extra_size = load<uint16_t>(directory, at + 30);
  const size_t comment_size = load<uint16_t>(directory, at + 32);
  const size_t begin = at + kDirectoryHeaderSize;
  if (!fits(begin, name_size + extra_size + comment_size, directory.size())) {
    fail("archive.corrupt", "a name in the archive's directory reaches beyond it");
  }
  Record record{.name = text_at(directory, begin, name_size),
                .flags = load<uint16_t>(directory, at + 8),
                .method = load<uint16_t>(directory, at + 10),
                .checksum = load<uint32_t>(directory, at + 16),
                .packed_size = load<uint32_t>(directory, at + 20),
                .size = load<uint32_t>(directory, at + 24),
                .header = load<uint32_t>(directory, at + 42)};
  read_zip64_extra(directory.subspan(begin + name_size, extra_size), record);
  at = begin + name_size + extra_size + comment_size;
  return record;
}

/// "C:" or "C:/…", not "x:0", as TensorFlow names values.
bool names_drive(std::string_view name) {
  if (name.size() < 2 || name[1] != ':') return false;
  const char letter = static_cast<char>(name[0] | 0x20);
  return letter >= 'a' && letter <= 'z' && (name.size() == 2 || name[2] == '/' || name[2] == '\\');
}

/// Nothing here unpacks an archive into a folder, but whoever made such a name wants somebody to.
void check_name(std::string_view name) {
  const auto refuse = [&](std::string_view why) {
    fail("archive.name", cat("the archive holds an entry named ", quoted(name.substr(0, 200)), ", ", why));
  };
  if (name.empty()) refuse("which is no name");
  if (name.front() == '/') refuse("which is an absolute path");
  if (names_drive(name)) refuse("which is an absolute path");
  if (name.find('\\') != std::string_view::npos) refuse("which holds a backslash");
  if (name.find('\0') != std::string_view::npos) refuse("which holds a zero byte");
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find('/', begin), name.size());
    if (name.substr(begin, end - begin) == "..") refuse("which leads out of its folder");
    begin = end + 1;
  }
}

/// Whether the number that a local header repeats is the directory's. Archives written as streams leave 0 there.
bool agrees_with(uint32_t local, uint64_t listed) { return local == 0 || local == kSaturated32 || local == listed; }

/// The entry's bytes. Only the local header knows where they begin; only the directory knows how many there
/// are (the local header's sizes are zero in archives written as streams).
Bytes locate(Bytes before_directory, const Record& record) {
  const std::string name = quoted(record.name);
  if (!fits(record.header, kLocalHeaderSize, before_directory.size())) {
    fail("archive.bounds", cat("entry ", name, " lies outside the file"));
  }
  if (load<uint32_t>(before_directory, record.header) != kLocalHeader) {
    fail("archive.corrupt", cat("entry ", name, " is not where the directory says"));
  }
  const size_t name_size = load<uint16_t>(before_directory, record.header + 26);
  const size_t extra_size = load<uint16_t>(before_directory, record.header + 28);
  const uint64_t data = record.header + kLocalHeaderSize + name_size + extra_size;
  if (!fits(data, record.packed_size, before_directory.size())) {
    fail("archive.bounds", cat("entry ", name, " reaches beyond the end of the file"));
  }
  if (text_at(before_directory, record.header + kLocalHeaderSize, name_size) != record.name) {
    fail("archive.corrupt", cat("entry ", name, " has another name in its own header"));
  }
  const auto local = [&]<class T>(size_t offset, T) { return load<T>(before_directory, record.header + offset); };
  if (local(8, uint16_t{}) != record.method || !agrees_with(local(14, uint32_t{}), record.checksum) ||
      !agrees_with(local(18, uint32_t{}), record.packed_size) || !agrees_with(local(22, uint32_t{}), record.size)) {
    fail("archive.corrupt", cat("entry ", name, " is described otherwise in its own header"));
  }
  return before_directory.subspan(data, record.packed_size);
}

/// No deflate stream holds more bytes than this for each of its own.
constexpr uint64_t kMostDeflated = 1032;

struct Region {
  uint64_t begin = 0;
  uint64_t end = 0;
  size_t entry = 0;
};

/// Two entries that share bytes are how small archives pretend to be large ones.
void check_overlap(std::vector<Region> regions, const std::vector<ZipEntry>& entries) {
  std::sort(regions.begin(), regions.end(), [](const Region& a, const Region& b) { return a.begin < b.begin; });
  for (size_t i = 1; i < regions.size(); ++i) {
    if (regions[i].begin < regions[i - 1].end) {
      fail("archive.overlap", cat("entries ", quoted(entries[regions[i - 1].entry].name), " and ",
                                  quoted(entries[regions[i].entry].name), " share bytes"));
    }
  }
}

}  // namespace

std::vector<ZipEntry> read_directory(Bytes bytes) {
  const Directory where = find_directory(bytes);
  if (where.count > where.size / kDirectoryHeaderSize) {
    fail("archive.corrupt", cat("the archive claims ", where.count, " entries, but its directory has room for ",
                                where.size / kDirectoryHeaderSize));
  }
  const Bytes directory = bytes.subspan(where.offset, where.size);
  const Bytes before_directory = bytes.first(where.offset);
  std::vector<ZipEntry> entries;
  std::vector<Region> regions;
  entries.reserve(where.count);
  regions.reserve(where.count);
  size_t at = 0;
  for (uint64_t i = 0; i < where.count; ++i) {
    const Record record = read_record(directory, at);
    check_name(record.name);
    if ((record.flags & (kFlagEncrypted | kFlagMaskedHeaders)) != 0) {
      throw Error("archive.encrypted", cat("entry ", quoted(record.name), " is encrypted"),
                  "decrypting the archive first");
    }
    const Bytes packed = locate(before_directory, record);
    if (record.method == kStored && record.size != record.packed_size) {
      fail("archive.corrupt", cat("entry ", quoted(record.name), " is stored as it is, yet has two sizes"));
    }
    if (record.method == kDeflated && record.size / kMostDeflated > packed.size() + 1) {
      fail("archive.corrupt", cat("entry ", quoted(record.name), " claims to unpack to ", human_bytes(record.size),
                                  ", more than ", human_bytes(packed.size()), " can hold"));
    }
    const auto end = static_cast<uint64_t>(packed.data() - bytes.data()) + packed.size();
    regions.push_back({.begin = record.header, .end = end, .entry = entries.size()});
    entries.push_back({.name = record.name,
                       .size = record.size,
                       .packed = packed,
                       .method = record.method,
                       .checksum = record.checksum});
  }
  if (at != directory.size()) fail("archive.corrupt", "the archive's directory holds more than its entries");
  check_overlap(std::move(regions), entries);
  return entries;
}

}  // namespace graftwork::core::zip
