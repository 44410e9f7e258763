// Reads zip archives in place: the directory is parsed once, and an entry that is stored without
// compression is a view of the mapped file, so weights of gigabytes cost no copy and no memory.
// Nothing in the file is believed before it is checked against the length of the file, and no entry before it is
// compared with its checksum.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graftwork/base/file.h"

namespace graftwork::core {

struct ZipEntry {
  std::string_view name;
  /// Bytes of the entry once it is decompressed, as the directory claims.
  uint64_t size = 0;
  /// The bytes in the archive; the entry itself when `is_stored`.
  std::span<const std::byte> packed;
  uint16_t method = 0;
  /// CRC-32 of the entry once it is decompressed, as the directory claims.
  uint32_t checksum = 0;
  bool is_stored() const { return method == 0; }
};

/// The directory of one archive. Folder entries are left out. All views stay valid while `owner()` lives.
///
/// The constructors check the whole directory and throw Error "archive.format" (not a zip), "archive.truncated",
/// "archive.corrupt", "archive.bounds" (an entry outside the file), "archive.overlap", "archive.duplicate"
/// (two entries of one name), "archive.name" (a name that leads out of the folder it is unpacked in) or
/// "archive.encrypted". Memory is at most in proportion to the directory.
class ZipReader {
 public:
  explicit ZipReader(const std::shared_ptr<const MappedFile>& file);
  /// The same over bytes that `owner` keeps alive; `label` names them in errors.
  ZipReader(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, std::string label);

  /// Sorted by name.
  const std::vector<ZipEntry>& entries() const { return entries_; }
  std::vector<std::string_view> names() const;
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  /// Null when there is no such entry. O(log n).
  const ZipEntry* find(std::string_view name) const;
  /// A stored entry's bytes, not copied. They are read the first time, to compare their checksum; not again. Throws
  /// Error "archive.missing", "archive.compressed" or "archive.corrupt". Safe from many threads.
  std::span<const std::byte> entry(std::string_view name) const;
  /// Reads every entry, unpacked where it is compressed, and throws "archive.corrupt" for the first that is damaged.
  void check_entries() const;
  /// Whether `sum` is the entry's checksum. Archives that torch writes under
  /// `torch.serialization.set_crc32_options(False)` have 0 for the checksum of every entry, and say nothing.
  bool matches(const ZipEntry& entry, uint32_t sum) const { return !has_checksums_ || entry.checksum == sum; }

  std::span<const std::byte> bytes() const { return bytes_; }
  const std::shared_ptr<const void>& owner() const { return owner_; }
  const std::string& label() const { return label_; }

 private:
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
  std::string label_;
  std::vector<ZipEntry> entries_;
  bool has_checksums_ = false;
  /// For each entry, whether it has been compared.
  std::unique_ptr<std::atomic<bool>[]> compared_;
};

}  // namespace graftwork::core
