// Text files that a command writes beside its main output.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "graftwork/base/atomic_file.h"

namespace graftwork::core::cli {

/// They are written before any stands at its place, so that a disk that is full leaves all as it was.
class TextFiles {
 public:
  /// Writes the text beside its place. Throws Error "file.unwritable".
  void add(const std::filesystem::path& path, std::string_view text);
  /// Puts all at their places, in order; a signal between two of them waits.
  void commit();

 private:
  std::vector<std::unique_ptr<AtomicFile>> files_;
};

}  // namespace graftwork::core::cli
