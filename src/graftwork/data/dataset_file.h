// One file of a Dataset, .npy or .npz, seen the same way.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "graftwork/data/npz.h"

namespace graftwork::core {

/// What a network asks of one array.
struct InputLayout {
  std::string name;
  size_t rank = 0;      ///< Of the whole input, with the axis of samples where it has one.
  bool batched = true;  ///< Its first axis holds samples. Else one value serves a whole call.
};

class DatasetFile {
 public:
  /// Throws as Dataset::open does.
  DatasetFile(const std::filesystem::path& path, std::span<const InputLayout> inputs);

  const std::filesystem::path& path() const { return path_; }
  /// Sorted by name; a .npy has one entry named "".
  const std::vector<NpzReader::Entry>& entries() const { return npz_ ? npz_->entries() : npy_; }
  /// Whether the first axis of the array counts samples. If not, the array is one sample, or serves all of the file.
  bool counts(size_t entry) const { return layouts_[entry].counts; }
  /// Whether the network takes samples of this array along its first axis.
  bool batched(size_t entry) const { return layouts_[entry].batched; }
  /// The shape of one sample.
  std::vector<int64_t> sample_shape(size_t entry) const;
  /// Samples of every array.
  int64_t size() const { return size_; }
  NpzReader::Bytes load(size_t entry, int64_t memory_limit) const;

  static bool is_supported(const std::filesystem::path& path);

 private:
  struct Layout {
    bool counts = true;
    bool batched = true;
  };
  void lay_out(std::span<const InputLayout> inputs);
  void count();

  std::filesystem::path path_;
  std::optional<NpzReader> npz_;
  std::shared_ptr<const MappedFile> mapped_;
  std::vector<NpzReader::Entry> npy_;
  std::vector<Layout> layouts_;
  int64_t size_ = 1;
};

}  // namespace graftwork::core
