// NumPy's .npz format: a zip archive of .npy arrays, stored or compressed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graftwork/archive/zip_reader.h"
#include "graftwork/data/npy.h"

namespace graftwork::core {

/// One .npz file. Stored arrays are views of the mapped file; compressed ones are unpacked at each read.
class NpzReader {
 public:
  /// Reads and checks every array's header. Throws Error "archive.*", "data.npz" (an entry that is no array),
  /// "data.npy" or "data.dtype".
  explicit NpzReader(const std::filesystem::path& path);

  struct Entry {
    std::string name;
    NpyHeader header;
    bool is_compressed = false;
  };

  /// Sorted by name; names without ".npy".
  const std::vector<Entry>& entries() const { return entries_; }

  /// Bytes of the array's .npy file and what keeps them alive.
  struct Bytes {
    std::span<const std::byte> bytes;
    std::shared_ptr<const void> owner;
  };
  /// Throws Error "memory.limit" where unpacking it takes more than `limit` bytes, 0: than the machine has left, and as
  /// the constructor does.
  Bytes load(const Entry& entry, int64_t limit = 0) const;
  Array read(const Entry& entry, int64_t limit = 0) const;

 private:
  ZipReader archive_;
  std::vector<Entry> entries_;
};

/// What is said of an array before it is read; throws where it is not wanted.
using NpzCheck = std::function<void(const std::string& name, const NpyHeader& header)>;

/// All arrays of a file, sorted by name. Nothing is unpacked before `check` has seen all, and before what is to be
/// unpacked is known to fit into `limit` bytes, 0: what the machine has left; else throws Error "memory.limit".
std::vector<NamedArray> read_npz(const std::filesystem::path& path, const NpzCheck& check = nullptr, int64_t limit = 0);

/// Writes a .npz as numpy.savez does, uncompressed, whole or not at all, in the order given. The same arrays give the
/// same bytes. Throws Error "file.unwritable".
void write_npz(const std::filesystem::path& path, std::span<const NamedArray> arrays);

}  // namespace graftwork::core
