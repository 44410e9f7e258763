#include "graftwork/data/dataset.h"

#include <algorithm>
#include <cstring>
#include <mutex>

#include "graftwork/base/error.h"
#include "graftwork/base/first_of.h"
#include "graftwork/base/text.h"
#include "graftwork/data/sample_files.h"

namespace graftwork::core {
namespace {

namespace fs = std::filesystem;

std::vector<Dataset::Field> fields_of(const DatasetFile& file) {
  std::vector<Dataset::Field> fields;
  for (size_t i = 0; i < file.entries().size(); ++i) {
    const NpzReader::Entry& entry = file.entries()[i];
    fields.push_back(
        {.name = entry.name, .type = entry.header.type, .shape = file.sample_shape(i), .batched = file.batched(i)});
  }
  return fields;
}

std::string list_names(const std::vector<Dataset::Field>& fields) {
  std::vector<std::string> names;
  for (const Dataset::Field& field : fields)
    names.push_back(field.name.empty() ? "one without a name" : graftwork::core::quoted(field.name));
  return first_of(names);
}

/// Takes the fields of one more file in: names, types and axes must be the same, extents may differ.
void merge(std::vector<Dataset::Field>& fields, const std::vector<Dataset::Field>& other) {
  const auto same_name = [](const Dataset::Field& a, const Dataset::Field& b) { return a.name == b.name; };
  if (!std::equal(fields.begin(), fields.end(), other.begin(), other.end(), same_name)) {
    throw Error("data.names",
                cat("the file holds the inputs ", list_names(other), ", the files before it hold ", list_names(fields)),
                "the same names in every file of the folder");
  }
  for (size_t i = 0; i < fields.size(); ++i) {
    const std::string input = other[i].name.empty() ? "the array" : "array " + graftwork::core::quoted(other[i].name);
    if (fields[i].type != other[i].type) {
      throw Error(
          "data.dtype",
          cat(input, " is ", dtype_name(other[i].type), ", in the files before it ", dtype_name(fields[i].type)),
          "the same type in every file of the folder");
    }
    if (fields[i].shape.size() != other[i].shape.size()) {
      throw Error("data.shape",
                  cat("a sample of ", input, " has shape ", shape_text(other[i].shape),
                      ", in the files before it it has ", fields[i].shape.size(), " axes"),
                  "the same axes in every file of the folder; the first axis of each counts samples");
    }
    for (size_t axis = 0; axis < fields[i].shape.size(); ++axis) {
      if (fields[i].shape[axis] != other[i].shape[axis]) fields[i].shape[axis] = Dataset::kVaries;
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

Dataset Dataset::open(const fs::path& path, std::span<const InputLayout> inputs, int64_t memory_limit) {
  const SampleFiles files = find_sample_files(path);
  if (files.arrays.empty()) {
    throw Error("data.format", path.string() + " holds pictures, not arrays", "numpy.save of the samples");
  }
  Dataset dataset;
  dataset.skipped_ = files.skipped;
  dataset.memory_limit_ = memory_limit;
  for (const fs::path& file : files.arrays) dataset.append(std::make_shared<const DatasetFile>(file, inputs));
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
      merge(fields_, fields_of(*file));
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

size_t Dataset::part_of(int64_t sample) const {
  const auto behind = std::upper_bound(parts_.begin(), parts_.end(), sample,
                                       [](int64_t at, const Part& part) { return at < part.end; });
  return static_cast<size_t>(std::min<ptrdiff_t>(behind - parts_.begin(), std::ssize(parts_) - 1));
}

std::vector<Dataset::FileShape> Dataset::file_shapes(std::string_view name) const {
  const size_t field = index_of(name);
  std::vector<FileShape> shapes;
  for (const Part& part : parts_) shapes.push_back({part.file->path(), part.file->sample_shape(field)});
  return shapes;
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
      slot = {.part = part, .bytes = file.load(field, memory_limit_)};
    }
    loaded = slot.bytes;
  } else {
    loaded = file.load(field, memory_limit_);
  }
  if (file.counts(field)) {
    return read_npy_rows(entry.header, loaded.bytes, std::move(loaded.owner), begin - parts_[part].begin,
                         end - parts_[part].begin);
  }
  Array whole = read_npy(loaded.bytes, std::move(loaded.owner));
  whole.shape.insert(whole.shape.begin(), 1);
  return whole;
}

/// The value of an input without samples: one call of the network has room for one.
Array Dataset::one_value(size_t field, int64_t begin, int64_t end) const {
  GRAFTWORK_ASSERT(begin < end);
  Array value = rows(part_of(begin), field, begin, begin + 1);
  for (int64_t at = begin + 1; at < end; ++at) {
    const Array other = rows(part_of(at), field, at, at + 1);
    if (other.shape == value.shape && std::equal(other.bytes.begin(), other.bytes.end(), value.bytes.begin())) continue;
    throw Error("data.value",
                cat("input ", quoted(fields_[field].name), " differs between samples ", begin, " and ", at,
                    ", which the network takes in one call"),
                "one value for all samples");
  }
  value.shape.erase(value.shape.begin());
  return value;
}

Array Dataset::sample_range(std::string_view name, int64_t begin, int64_t end) const {
  GRAFTWORK_ASSERT(0 <= begin && begin <= end && end <= size_);
  const size_t field = index_of(name);
  if (!fields_[field].batched) return one_value(field, begin, end);
  size_t part = part_of(begin);
  if (end <= parts_[part].end) return rows(part, field, begin, end);

  std::vector<std::byte> bytes;
  std::vector<int64_t> shape = parts_[part].file->sample_shape(field);
  for (int64_t at = begin; at < end; at = parts_[part++].end) {
    const std::vector<int64_t> other = parts_[part].file->sample_shape(field);
    if (other != shape) {
      Error error("data.shape",
                  cat("samples ", begin, " and ", at, " have shapes ", shape_text(shape), " and ", shape_text(other),
                      "; the network takes them in one call"),
                  "samples of one shape, or a network exported for a batch of one");
      throw error.at(parts_[part].file->path().string());
    }
    const Array piece = rows(part, field, at, std::min(end, parts_[part].end));
    bytes.insert(bytes.end(), piece.bytes.begin(), piece.bytes.end());
  }
  shape.insert(shape.begin(), end - begin);
  return make_array(fields_[field].type, std::move(shape), std::move(bytes));
}

}  // namespace graftwork::core
