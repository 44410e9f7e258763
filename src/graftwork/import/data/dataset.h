// A set of samples on disk: what calibration reads, batch by batch, without loading the whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "graftwork/import/data/array.h"

namespace graftwork {

class DatasetFile;

/// Samples from one `.npy` (one input without a name: ""), one `.npz` (inputs by name), or a folder of either,
/// whose files follow each other sorted by name. The first axis of every array counts samples.
class Dataset {
 public:
  /// One input: the type and shape of one sample.
  struct Field {
    std::string name;
    ArrayType type = ArrayType::kF32;
    std::vector<int64_t> shape;
  };

  /// Opens the files and checks all headers; reads no sample. Throws Error "data.format" (neither of the three),
  /// "data.empty", "data.rank", "data.lengths" (arrays of one file differ in samples), "data.names", "data.shape",
  /// "data.dtype" (files differ), or what NpzReader and read_npy_header throw.
  static Dataset open(const std::filesystem::path& path);
  ~Dataset();
  Dataset(Dataset&&) noexcept;
  Dataset& operator=(Dataset&&) noexcept;

  int64_t size() const { return size_; }
  /// Sorted by name.
  const std::vector<Field>& fields() const { return fields_; }
  std::vector<std::string> names() const;
  bool contains(std::string_view name) const;

  /// Samples [begin, end) of one input, shape [end - begin, ...]. Shares the mapped file where it can. From a
  /// compressed file the array of one file stays unpacked, for the next call. Safe from many threads.
  /// Throws Error "data.names" for an unknown name; the range must lie within [0, size()].
  Array sample_range(std::string_view name, int64_t begin, int64_t end) const;

 private:
  struct Part {
    std::shared_ptr<const DatasetFile> file;
    int64_t begin = 0;
    int64_t end = 0;
  };
  struct Unpacked;

  Dataset();
  void append(std::shared_ptr<const DatasetFile> file);
  size_t index_of(std::string_view name) const;
  Array rows(size_t part, size_t field, int64_t begin, int64_t end) const;

  std::vector<Field> fields_;
  std::vector<Part> parts_;
  int64_t size_ = 0;
  std::unique_ptr<Unpacked> unpacked_;
};

}  // namespace graftwork
