#include "graftwork/import/pt2/load_tensors.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/import/pt2/element_types.h"
#include "graftwork/nn/dtypes.h"

namespace graftwork::core::pt2 {
namespace {

int64_t fixed(const SymInt& value, const std::string& what) {
  const int64_t* number = std::get_if<int64_t>(&value);
  if (!number || *number < 0) throw Error("pt2.tensor", what + " is not a fixed number");
  return *number;
}

std::vector<int64_t> fixed(const std::vector<SymInt>& values, const std::string& what) {
  std::vector<int64_t> numbers;
  for (const SymInt& value : values) numbers.push_back(fixed(value, what));
  return numbers;
}

/// Elements of the storage that the tensor reaches; nothing when the count does not fit 63 bits.
std::optional<int64_t> extent(const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides, int64_t offset) {
  int64_t last = offset;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return 0;
    int64_t span = 0;
    if (__builtin_mul_overflow(sizes[i] - 1, strides[i], &span) || __builtin_add_overflow(last, span, &last))
      return std::nullopt;
  }
  return __builtin_add_overflow(last, int64_t{1}, &last) ? std::nullopt : std::optional(last);
}

/// A complex number is two real ones, side by side.
void as_pairs(std::vector<int64_t>& sizes, std::vector<int64_t>& strides, int64_t& offset) {
  bool fits = !__builtin_mul_overflow(offset, int64_t{2}, &offset);
  for (int64_t& stride : strides) fits &= !__builtin_mul_overflow(stride, int64_t{2}, &stride);
  if (!fits) throw Error("pt2.tensor", "it reaches beyond its record", "exporting the model again");
  sizes.push_back(2);
  strides.push_back(1);
}

/// Puts the tensor into the store; it lies in the file where its elements are aligned there.
void map_tensor(const Pt2Archive& archive, const PayloadMeta& payload, bool is_constant, Symbol name,
                TensorStore& store) {
  const TensorMeta& meta = *payload.tensor;
  if (meta.layout != Layout::kStrided) throw Error("pt2.tensor", "it is sparse", "exporting with dense weights");
  const auto parts = parts_of(meta.dtype);
  const auto dtype = parts ? parts : dtype_of(meta.dtype);
  if (!dtype) throw Error("pt2.tensor", "its element type is not supported");
  std::vector<int64_t> sizes = fixed(meta.sizes, "its size");
  std::vector<int64_t> strides = fixed(meta.strides, "its stride");
  int64_t offset = fixed(meta.storage_offset, "its offset");
  if (sizes.size() != strides.size()) throw Error("pt2.tensor", "it has another number of strides than dimensions");
  if (parts) as_pairs(sizes, strides, offset);
  const at::TensorOptions options(to_torch(*dtype));
  const std::span<const std::byte> bytes = archive.record(payload.path_name, is_constant);
  const auto width = static_cast<int64_t>(dtype_bytes(*dtype));
  const auto available = static_cast<int64_t>(bytes.size()) / width;
  const auto needed = extent(sizes, strides, offset);
  if (!needed || *needed > available) {
    throw Error("pt2.tensor", cat("it reaches beyond its record of ", bytes.size(), " bytes"),
                "exporting the model again");
  }
  if (*needed == 0) return store.set(name, at::empty(sizes, options));
  // Private pages: whoever writes (training) gets his own copy. The archive stays mapped while the tensor lives.
  auto* data = const_cast<std::byte*>(bytes.data());
  const bool aligned = reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(width) == 0;
  if (aligned) {
    const at::Tensor storage = at::from_blob(data, {available}, [file = archive.file()](void*) {}, options);
    return store.set_mapped(name, storage.as_strided(sizes, strides, offset));
  }
  const at::Tensor storage = at::empty({available}, options);
  std::copy_n(bytes.data(), static_cast<size_t>(available * width), static_cast<std::byte*>(storage.data_ptr()));
  store.set(name, storage.as_strided(sizes, strides, offset));
}

std::string place_of(const PayloadMeta& payload, bool is_constant) {
  std::string place = cat(is_constant ? "c " : "w ", payload.path_name, " ", static_cast<int>(payload.tensor->dtype));
  for (const auto* numbers : {&payload.tensor->sizes, &payload.tensor->strides}) {
    place += " |";
    for (const SymInt& number : *numbers) place += cat(" ", fixed(number, "its size"));
  }
  return place + cat(" | ", fixed(payload.tensor->storage_offset, "its offset"));
}

}  // namespace

void LoadedTensors::load(const Pt2Archive& archive, const PayloadConfig& config, bool is_constant) {
  for (const auto& [name, payload] : config) {
    if (!payload.tensor) continue;  // an object of a class of its own: whoever uses it is reported
    try {
      if (payload.use_pickle) {
        throw Error("pt2.tensor", "it is a Python object (a tensor subclass), not plain numbers",
                    "exporting the model with plain tensors");
      }
      const auto [known, fresh] = by_place_.emplace(place_of(payload, is_constant), name);
      canonical[name] = known->second;
      if (fresh) map_tensor(archive, payload, is_constant, Symbol(name), store);
    } catch (Error& error) {
      throw error.at("tensor " + name);
    }
  }
}

}  // namespace graftwork::core::pt2
