// One file of a Dataset, .npy or .npz, seen the same way.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "graftwork/import/data/npz.h"

namespace graftwork {

class DatasetFile {
 public:
  /// Throws as Dataset::open does.
  explicit DatasetFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  /// Sorted by name; a .npy has one entry named "".
  const std::vector<NpzReader::Entry>& entries() const { return npz_ ? npz_->entries() : npy_; }
  /// Samples of every array.
  int64_t size() const { return entries().front().header.shape.front(); }
  NpzReader::Bytes load(size_t entry) const;

  static bool is_supported(const std::filesystem::path& path);

 private:
  void check() const;

  std::filesystem::path path_;
  std::optional<NpzReader> npz_;
  std::shared_ptr<const MappedFile> mapped_;
  std::vector<NpzReader::Entry> npy_;
};

}  // namespace graftwork
