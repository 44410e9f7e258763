// Pictures as samples of one input: read when they are asked for, none kept.
#pragma once

#include <filesystem>
#include <vector>

#include "graftwork/data/image/preprocess.h"

namespace graftwork::core {

class ImageSet {
 public:
  /// `memory_limit`: of bytes that samples may take, 0: what the machine has left then.
  ImageSet(std::vector<std::filesystem::path> files, ImagePreprocessor preprocessor, int64_t memory_limit = 0)
      : files_(std::move(files)), preprocessor_(std::move(preprocessor)), memory_limit_(memory_limit) {}

  int64_t size() const { return std::ssize(files_); }
  const std::filesystem::path& file(int64_t sample) const { return files_[static_cast<size_t>(sample)]; }
  const ImagePreprocessor& preprocessor() const { return preprocessor_; }

  /// Keeps `count` pictures, spread evenly: folders are often sorted by class. Nothing changes if there are no more.
  void thin_out(int64_t count);

  /// Samples [begin, end), which must lie within [0, size()]: [end - begin, channels, height, width]. Safe from many
  /// threads. Throws Error "memory.limit" before it reads any, and what ImagePreprocessor::read does.
  Array sample_range(int64_t begin, int64_t end) const;

 private:
  void check_room(int64_t samples) const;

  std::vector<std::filesystem::path> files_;
  ImagePreprocessor preprocessor_;
  int64_t memory_limit_;
};

}  // namespace graftwork::core
