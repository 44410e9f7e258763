// A set of samples on disk: what calibration reads, batch by batch, without loading the whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graftwork/data/array.h"
#include "graftwork/data/dataset_file.h"

namespace graftwork::core {

/// Samples from one `.npy` (one input without a name: ""), one `.npz` (inputs by name), or a folder of either, whose
/// files follow each other sorted by path. The first axis of every array counts samples, but where the network's layout
/// tells otherwise: an array with one axis less than its input is a single sample, and one for an input without samples
/// serves all samples of its file.
class Dataset {
 public:
  /// One input: the type and shape of one sample. An extent in which files differ is kVaries.
  struct Field {
    std::string name;
    DType type = DType::kF32;
    std::vector<int64_t> shape;
    bool batched = true;
  };
  static constexpr int64_t kVaries = -1;

  /// Opens the files and checks all headers; reads no sample. Without layouts every first axis counts samples.
  /// `memory_limit`: of bytes that an array may be unpacked to, 0: what the machine has left then.
  /// Throws Error "data.format" (none of the three), "data.empty", "data.rank", "data.lengths" (arrays of one file
  /// differ in samples), "data.names", "data.shape" (in the number of axes), "data.dtype" (files differ), or what
  /// find_sample_files, NpzReader and read_npy_header throw.
  static Dataset open(const std::filesystem::path& path, std::span<const InputLayout> inputs = {},
                      int64_t memory_limit = 0);
  ~Dataset();
  Dataset(Dataset&&) noexcept;
  Dataset& operator=(Dataset&&) noexcept;

  int64_t size() const { return size_; }
  /// Sorted by name.
  const std::vector<Field>& fields() const { return fields_; }
  std::vector<std::string> names() const;
  bool contains(std::string_view name) const;
  /// Files of the folder that are no samples.
  int64_t skipped() const { return skipped_; }
  /// The file that holds a sample.
  const std::filesystem::path& file(int64_t sample) const { return parts_[part_of(sample)].file->path(); }

  /// What one file holds of an input: the shape of a sample, without the axis that counts them.
  struct FileShape {
    std::filesystem::path file;
    std::vector<int64_t> shape;
  };
  std::vector<FileShape> file_shapes(std::string_view name) const;

  /// Samples [begin, end) of one input, shape [end - begin, ...]; of an input that is not batched the one value that
  /// serves them all, without that axis. Shares the mapped file where it can. From a compressed file the array of one
  /// file stays unpacked, for the next call. Safe from many threads. Throws Error "data.names" for an unknown name,
  /// "data.shape" when samples of several shapes, "data.value" when several values are asked for at once,
  /// "memory.limit". The range must lie within [0, size()].
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
  size_t part_of(int64_t sample) const;
  Array rows(size_t part, size_t field, int64_t begin, int64_t end) const;
  Array one_value(size_t field, int64_t begin, int64_t end) const;

  std::vector<Field> fields_;
  std::vector<Part> parts_;
  int64_t size_ = 0;
  int64_t memory_limit_ = 0;
  int64_t skipped_ = 0;
  std::unique_ptr<Unpacked> unpacked_;
};

}  // namespace graftwork::core
