#include "graftwork/import/data/dataset_file.h"

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork {
namespace {

std::string title(const NpzReader::Entry& entry) {
  return entry.name.empty() ? "the array" : "array " + graftwork::quoted(entry.name);
}

}  // namespace

bool DatasetFile::is_supported(const std::filesystem::path& path) {
  return path.extension() == ".npy" || path.extension() == ".npz";
}

DatasetFile::DatasetFile(const std::filesystem::path& path) : path_(path) {
  if (path.extension() == ".npz") {
    npz_.emplace(path);
  } else if (path.extension() == ".npy") {
    mapped_ = std::make_shared<const MappedFile>(path);
  } else {
    throw Error("data.format", path.string() + " is neither a .npy nor a .npz file, nor a folder of those",
                "numpy.save, or numpy.savez with one array for each input");
  }
  try {
    if (mapped_) {
      NpyHeader header = read_npy_header(mapped_->bytes());
      check_npy_size(header, mapped_->bytes().size());
      npy_.push_back({.name = {}, .header = std::move(header)});
    }
    check();
  } catch (Error& error) {
    error.at(path.string());
    throw;
  }
}

void DatasetFile::check() const {
  if (entries().empty()) throw Error("data.empty", "the file holds no arrays", "numpy.savez with one array an input");
  for (const NpzReader::Entry& entry : entries()) {
    const std::vector<int64_t>& shape = entry.header.shape;
    if (shape.empty()) {
      throw Error("data.rank", title(entry) + " is a single number, without an axis that counts samples",
                  "numpy.stack of the samples");
    }
    if (std::find(shape.begin() + 1, shape.end(), 0) != shape.end()) {
      throw Error("data.shape", cat(title(entry), " of shape ", shape_text(shape), " holds empty samples"));
    }
    if (shape.front() != size()) {
      throw Error("data.lengths",
                  cat(title(entry), " holds ", counted(static_cast<size_t>(shape.front()), "sample"), ", but ",
                      title(entries().front()), " holds ", size()),
                  "the first axis counts samples and must be the same for every input");
    }
  }
}

NpzReader::Bytes DatasetFile::load(size_t entry) const {
  if (npz_) return npz_->load(npz_->entries()[entry]);
  return {.bytes = mapped_->bytes(), .owner = mapped_};
}

}  // namespace graftwork
