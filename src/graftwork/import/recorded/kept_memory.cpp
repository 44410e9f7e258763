#include "graftwork/import/recorded/kept_memory.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <set>

namespace graftwork::core::recorded {
namespace {

/// All of it, whatever lies in it, and however.
at::Tensor bytes_of(const c10::Storage& storage) {
  const auto size = static_cast<int64_t>(storage.nbytes());
  return at::empty({0}, at::TensorOptions(at::kByte).device(storage.device())).set_(storage, 0, {size}, {1});
}

class KeptMemory {
 public:
  explicit KeptMemory(const NamedTensors& tensors) {
    std::set<const void*> seen;
    for (const auto& [name, tensor] : tensors) {
      if (!tensor.defined() || !tensor.has_storage() || tensor.is_meta()) continue;
      // Another handle, which nobody else has, knows where the elements were.
      places_.push_back({tensor, tensor.variable_data()});
      if (!seen.insert(tensor.storage().unsafeGetStorageImpl()).second) continue;
      memory_.push_back({tensor.storage(), bytes_of(tensor.storage()).clone()});
    }
  }

  void put_back() const {
    for (const Place& place : places_) {
      if (!is_there(place)) place.tensor.unsafeGetTensorImpl()->shallow_copy_from(place.before.getIntrusivePtr());
    }
    for (const Memory& memory : memory_) {
      at::Tensor now = bytes_of(memory.storage);
      if (now.numel() == memory.before.numel() && !at::equal(now, memory.before)) now.copy_(memory.before);
    }
  }

 private:
  struct Place {
    at::Tensor tensor;
    at::Tensor before;
  };
  struct Memory {
    c10::Storage storage;
    at::Tensor before;
  };

  static bool is_there(const Place& place) {
    return place.tensor.is_alias_of(place.before) && place.tensor.sizes() == place.before.sizes() &&
           place.tensor.strides() == place.before.strides() &&
           place.tensor.storage_offset() == place.before.storage_offset();
  }

  std::vector<Place> places_;
  std::vector<Memory> memory_;
};

}  // namespace

void leaving_as_it_was(const NamedTensors& tensors, const std::function<void()>& body) {
  const c10::NoGradGuard no_grad;
  const KeptMemory kept(tensors);
  try {
    body();
  } catch (...) {
    kept.put_back();
    throw;
  }
  kept.put_back();
}

}  // namespace graftwork::core::recorded
