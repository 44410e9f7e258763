#include "graftwork/data/dataset_file.h"

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

std::string title(const NpzReader::Entry& entry) {
  return entry.name.empty() ? "the array" : "array " + graftwork::core::quoted(entry.name);
}

}  // namespace

bool DatasetFile::is_supported(const std::filesystem::path& path) {
  return path.extension() == ".npy" || path.extension() == ".npz";
}

DatasetFile::DatasetFile(const std::filesystem::path& path, std::span<const InputLayout> inputs) : path_(path) {
  if (path.extension() == ".npz") {
    npz_.emplace(path);
  } else {
    GRAFTWORK_ASSERT(is_supported(path));
    mapped_ = std::make_shared<const MappedFile>(path);
  }
  try {
    if (mapped_) {
      NpyHeader header = read_npy_header(mapped_->bytes());
      check_npy_size(header, mapped_->bytes().size());
      npy_.push_back({.name = {}, .header = std::move(header)});
    }
    if (entries().empty()) throw Error("data.empty", "the file holds no arrays", "numpy.savez with one array an input");
    lay_out(inputs);
    count();
  } catch (Error& error) {
    error.at(path.string());
    throw;
  }
}

/// An array with the rank of a batched input counts samples; with one axis less it is a single sample. An array for an
/// input without samples serves the whole file, or counts one value for each sample.
void DatasetFile::lay_out(std::span<const InputLayout> inputs) {
  for (const NpzReader::Entry& entry : entries()) {
    Layout layout;
    for (const InputLayout& input : inputs) {
      if (input.name != entry.name && !(entry.name.empty() && inputs.size() == 1)) continue;
      const size_t rank = entry.header.shape.size();
      layout.batched = input.batched;
      layout.counts = input.batched ? rank + 1 != input.rank : rank != input.rank;
    }
    layouts_.push_back(layout);
  }
}

/// The first array that holds samples says how many; a file that holds none is one sample.
void DatasetFile::count() {
  size_t first = entries().size();
  for (size_t i = 0; i < entries().size(); ++i) {
    const NpzReader::Entry& entry = entries()[i];
    const std::vector<int64_t>& shape = entry.header.shape;
    if (counts(i) && shape.empty()) {
      throw Error("data.rank", title(entry) + " is a single number, without an axis that counts samples",
                  "numpy.stack of the samples");
    }
    if (std::find(shape.begin() + (counts(i) ? 1 : 0), shape.end(), 0) != shape.end()) {
      throw Error("data.shape", cat(title(entry), " of shape ", shape_text(shape), " holds empty samples"));
    }
    if (!counts(i) && !batched(i)) continue;
    const int64_t held = counts(i) ? shape.front() : 1;
    if (first == entries().size()) {
      first = i;
      size_ = held;
    }
    if (held == size_) continue;
    throw Error("data.lengths",
                cat(title(entry), " holds ", counted(static_cast<size_t>(held), "sample"), ", but ",
                    title(entries()[first]), " holds ", size_),
                "the first axis counts samples and must be the same for every input");
  }
}

std::vector<int64_t> DatasetFile::sample_shape(size_t entry) const {
  const std::vector<int64_t>& shape = entries()[entry].header.shape;
  return {shape.begin() + (counts(entry) ? 1 : 0), shape.end()};
}

NpzReader::Bytes DatasetFile::load(size_t entry, int64_t memory_limit) const {
  if (npz_) return npz_->load(npz_->entries()[entry], memory_limit);
  return {.bytes = mapped_->bytes(), .owner = mapped_};
}

}  // namespace graftwork::core
