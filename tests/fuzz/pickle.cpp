// Pickles of tensors, bare and as torch.save wraps them. Whatever a pickle says, it makes records that stay within
// bounds.
#include "graftwork/import/pickle/pickle.h"

#include <algorithm>

#include "fuzz/target.h"
#include "graftwork/import/pickle/tensor_file.h"

namespace graftwork::core::fuzz {
namespace {

void read_values(std::span<const std::byte> bytes) {
  const pickle::Document document = pickle::read_pickle(bytes);
  demand(document.root < document.values.size());
  const auto known = [&](pickle::Ref ref) { demand(ref < document.values.size()); };
  for (const pickle::Value& value : document.values) {
    if (const auto* tuple = std::get_if<pickle::Tuple>(&value))
      std::for_each(tuple->items.begin(), tuple->items.end(), known);
    if (const auto* list = std::get_if<pickle::List>(&value))
      std::for_each(list->items.begin(), list->items.end(), known);
    if (const auto* dict = std::get_if<pickle::Dict>(&value)) {
      for (const auto& [key, item] : dict->items) known(key), known(item);
    }
    if (const auto* tensor = std::get_if<std::unique_ptr<pickle::Tensor>>(&value)) {
      known((*tensor)->storage);
      demand((*tensor)->sizes.size() == (*tensor)->strides.size());
    }
  }
}

void read_file(std::span<const std::byte> bytes) {
  const TensorFile file(bytes, nullptr, "fuzz.pt");
  for (const auto& [name, tensor] : file.tensors()) answer([&] { file.record(tensor.key); });
}

}  // namespace
}  // namespace graftwork::core::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace graftwork::core::fuzz;
  const auto bytes = std::as_bytes(std::span(data, size));
  answer([&] { read_values(bytes); });
  answer([&] { read_file(bytes); });
  return 0;
}
