#include "graftwork/import/data/dataset.h"

#include <algorithm>
#include <cstring>
#include <mutex>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/import/data/dataset_file.h"

namespace graftwork {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> list_files(const fs::path& folder) {
  std::vector<fs::path> files;
  try {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      if (DatasetFile::is_supported(entry.path()) && entry.is_regular_file()) files.push_back(entry.path());
    }
  } catch (const fs::filesystem_error& error) {
    throw Error("file.unreadable", cat("cannot list ", folder.string(), ": ", error.code().message()));
  }
  if (files.empty()) {
    throw Error("data.empty", "the folder " + folder.string() + " holds no .npy or .npz file",
                "saving the samples there with numpy.save");
  }
  std::sort(files.begin(), files.end(),
            [](const fs::path& a, const fs::path& b) { return a.filename().native() < b.filename().native(); });
  return files;
}

std::vector<Dataset::Field> fields_of(const DatasetFile& file) {
  std::vector<Dataset::Field> fields;
  for (const NpzReader::Entry& entry : file.entries()) {
    const std::vector<int64_t>& shape = entry.header.shape;
    fields.push_back({.name = entry.name, .type = entry.header.type, .shape = {shape.begin() + 1, shape.end()}});
  }
  return fields;
}

std::string list_names(const std::vector<Dataset::Field>& fields) {
  std::vector<std::string> names;
  for (const Dataset::Field& field : fields)
    names.push_back(field.name.empty() ? "one without a name" : graftwork::quoted(field.name));
  return join(names);
}

void check_same(const std::vector<Dataset::Field>& first, const std::vector<Dataset::Field>& other) {
  const auto same_name = [](const Dataset::Field& a, const Dataset::Field& b) { return a.name == b.name; };
  if (!std::equal(first.begin(), first.end(), other.begin(), other.end(), same_name)) {
    throw Error("data.names",
                cat("the file holds the inputs ", list_names(other), ", the files before it hold ", list_names(first)),
                "the same names in every file of the folder");
  }
  for (size_t i = 0; i < first.size(); ++i) {
    const std::string input = other[i].name.empty() ? "the array" : "array " + graftwork::quoted(other[i].name);
    if (first[i].type != other[i].type) {
      throw Error("data.dtype",
                  cat(input, " is ", array_type_name(other[i].type), ", in the files before it ",
                      array_type_name(first[i].type)),
                  "the same type in every file of the folder");
    }
    if (first[i].shape != other[i].shape) {
      throw Error("data.shape",
                  cat("a sample of ", input, " has shape ", shape_text(other[i].shape), ", in the files before it ",
                      shape_text(first[i].shape)),
                  "samples of one shape; the first axis of each file counts samples");
    }
  }
}

}  // namespace

/// The last array unpacked of each compressed input.
struct Dataset::Unpacked {
  struct Slot {
    size_t part = 0;
    NpzReader::Bytes bytes;
  };
  std::mutex mutex;
  std::vector<Slot> slots;
};

Dataset::Dataset() : unpacked_(std::make_unique<Unpacked>()) {}
Dataset::~Dataset() = default;
Dataset::Dataset(Dataset&&) noexcept = default;
Dataset& Dataset::operator=(Dataset&&) noexcept = default;

Dataset Dataset::open(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    throw Error("file.missing", "there is no file or folder " + path.string(), "checking the path");
  }
  Dataset dataset;
  if (fs::is_directory(path, ignored)) {
    for (const fs::path& file : list_files(path)) dataset.append(std::make_shared<const DatasetFile>(file));
  } else {
    dataset.append(std::make_shared<const DatasetFile>(path));
  }
  if (dataset.size_ == 0) {
    throw Error("data.empty", path.string() + " holds no samples", "arrays whose first axis counts samples");
  }
  dataset.unpacked_->slots.resize(dataset.fields_.size());
  return dataset;
}

void Dataset::append(std::shared_ptr<const DatasetFile> file) {
  if (parts_.empty()) {
    fields_ = fields_of(*file);
  } else {
    try {
      check_same(fields_, fields_of(*file));
    } catch (Error& error) {
      error.at(file->path().string());
      throw;
    }
  }
  const int64_t begin = size_;
  size_ += file->size();
  parts_.push_back({.file = std::move(file), .begin = begin, .end = size_});
}

std::vector<std::string> Dataset::names() const {
  std::vector<std::string> names;
  for (const Field& field : fields_) names.push_back(field.name);
  return names;
}

bool Dataset::contains(std::string_view name) const {
  return std::any_of(fields_.begin(), fields_.end(), [&](const Field& field) { return field.name == name; });
}

size_t Dataset::index_of(std::string_view name) const {
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (fields_[i].name == name) return i;
  }
  throw Error("data.names", cat("the data has no input ", quoted(name), "; it has ", list_names(fields_)),
              "numpy.savez with the model's input names");
}

Array Dataset::rows(size_t part, size_t field, int64_t begin, int64_t end) const {
  const DatasetFile& file = *parts_[part].file;
  const NpzReader::Entry& entry = file.entries()[field];
  NpzReader::Bytes loaded;
  if (entry.is_compressed) {
    const std::lock_guard lock(unpacked_->mutex);
    Unpacked::Slot& slot = unpacked_->slots[field];
    if (slot.bytes.owner == nullptr || slot.part != part) {
      slot = {};  // the old array goes before the new one comes
      slot = {.part = part, .bytes = file.load(field)};
    }
    loaded = slot.bytes;
  } else {
    loaded = file.load(field);
  }
  return read_npy_rows(entry.header, loaded.bytes, std::move(loaded.owner), begin - parts_[part].begin,
                       end - parts_[part].begin);
}

Array Dataset::sample_range(std::string_view name, int64_t begin, int64_t end) const {
  GRAFTWORK_ASSERT(0 <= begin && begin <= end && end <= size_);
  const size_t field = index_of(name);
  const auto behind = std::upper_bound(parts_.begin(), parts_.end(), begin,
                                       [](int64_t sample, const Part& part) { return sample < part.end; });
  auto part = static_cast<size_t>(std::min<ptrdiff_t>(behind - parts_.begin(), std::ssize(parts_) - 1));
  if (end <= parts_[part].end) return rows(part, field, begin, end);

  std::vector<std::byte> bytes;
  for (int64_t at = begin; at < end; at = parts_[part++].end) {
    const Array piece = rows(part, field, at, std::min(end, parts_[part].end));
    bytes.insert(bytes.end(), piece.bytes.begin(), piece.bytes.end());
  }
  std::vector<int64_t> shape = fields_[field].shape;
  shape.insert(shape.begin(), end - begin);
  return make_array(fields_[field].type, std::move(shape), std::move(bytes));
}

}  // namespace graftwork
