#include "graftwork/data/sample_files.h"

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/data/dataset_file.h"
#include "graftwork/data/image/decode.h"

namespace graftwork::core {
namespace {

namespace fs = std::filesystem;

void sort(std::vector<fs::path>& paths) {
  std::sort(paths.begin(), paths.end(), [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
}

/// Sorts one file in; false when it is of no kind that is read.
bool add_file(SampleFiles& files, const fs::path& path) {
  if (DatasetFile::is_supported(path)) {
    files.arrays.push_back(path);
  } else if (is_image_file(path)) {
    files.images.push_back(path);
  } else {
    return false;
  }
  return true;
}

void add_folder(SampleFiles& files, const fs::path& folder) {
  fs::recursive_directory_iterator at(folder);
  for (; at != fs::recursive_directory_iterator(); ++at) {
    if (at->path().filename().native().starts_with('.')) {
      at.disable_recursion_pending();
      ++files.skipped;
    } else if (!at->is_directory() || at->is_symlink()) {
      if (!at->is_regular_file() || !add_file(files, at->path())) ++files.skipped;
    }
  }
}

}  // namespace

SampleFiles find_sample_files(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    throw Error("file.missing", "there is no file or folder " + path.string(), "checking the path");
  }
  SampleFiles files;
  if (!fs::is_directory(path, ignored)) {
    if (add_file(files, path)) return files;
    throw Error("data.format", path.string() + " is neither a .npy, .npz, JPEG or PNG file nor a folder of those",
                "numpy.save, or numpy.savez with one array for each input");
  }
  try {
    add_folder(files, path);
  } catch (const fs::filesystem_error& error) {
    throw Error("file.unreadable", cat("cannot list ", path.string(), ": ", error.code().message()));
  }
  if (files.arrays.empty() && files.images.empty()) {
    throw Error("data.empty", "the folder " + path.string() + " holds no .npy, .npz, JPEG or PNG file",
                "saving the samples there");
  }
  if (!files.arrays.empty() && !files.images.empty()) {
    sort(files.arrays);
    sort(files.images);
    throw Error("data.mixed",
                cat("the folder ", path.string(), " holds both arrays (", files.arrays.front().filename().string(),
                    ") and pictures (", files.images.front().filename().string(), ")"),
                "a folder of one kind");
  }
  sort(files.arrays);
  sort(files.images);
  return files;
}

}  // namespace graftwork::core
