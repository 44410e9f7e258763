// Writes zip archives whose entries are stored without compression: the same entries give the same bytes
// (no clock, no user), and every entry's data begins at a multiple of 64 so that it can be read in place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graftwork/base/atomic_file.h"

namespace graftwork::core {

/// Writes into `file`, which the caller commits after `finish`.
class ZipWriter {
 public:
  explicit ZipWriter(AtomicFile& file) : file_(file) {}

  /// One entry, the concatenation of `pieces`. Names must differ from each other.
  void add(std::string_view name, std::span<const std::span<const std::byte>> pieces);
  /// Writes the directory. Nothing may be added afterwards.
  void finish();

 private:
  struct Record {
    std::string name;
    uint32_t checksum = 0;
    uint64_t size = 0;
    uint64_t offset = 0;
  };

  void write(std::string_view bytes);

  AtomicFile& file_;
  uint64_t written_ = 0;
  std::vector<Record> records_;
};

}  // namespace graftwork::core
