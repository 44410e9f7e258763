// Pickles of tensors, read as plain records. Nothing in the file is called or imported: an opcode either makes one of
// the records below or is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace graftwork::core::pickle {

/// Index into Document::values. Values refer to each other by it, so a list may hold itself without harm.
using Ref = uint32_t;

struct None {};
struct Tuple {
  std::vector<Ref> items;
};
struct List {
  std::vector<Ref> items;
};
/// In the order of the file; a key that stands twice stands twice. Also collections.OrderedDict, less its attributes.
struct Dict {
  std::vector<std::pair<Ref, Ref>> items;
};
/// What a pickle may name in order to call it.
enum class Callable : uint8_t {
  kOrderedDict,
  kSize,
  kTensor,         ///< torch._utils._rebuild_tensor_v2
  kTypedTensor,    ///< torch._utils._rebuild_tensor_v3: over bytes, with its element type
  kParameter,      ///< torch._utils._rebuild_parameter
  kParameterWith,  ///< torch._utils._rebuild_parameter_with_state
};
/// "FloatStorage", "UntypedStorage".
struct StorageType {
  std::string name;
};
/// "float8_e4m3fn".
struct ElementType {
  std::string name;
};
/// A persistent id: the record `key` beside the pickle.
struct Storage {
  std::string type;
  std::string key;
  /// Elements; bytes of an UntypedStorage.
  int64_t count = 0;
};
struct Tensor {
  /// A Storage.
  Ref storage = 0;
  /// Elements.
  int64_t offset = 0;
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;
  bool requires_grad = false;
  bool is_parameter = false;
  /// Only of tensors over an UntypedStorage.
  std::string element_type;
};

/// A tensor stands apart because few values are tensors and they are large.
using Value = std::variant<None, bool, int64_t, double, std::string, Tuple, List, Dict, Callable, StorageType,
                           ElementType, Storage, std::unique_ptr<Tensor>>;

struct Document {
  std::vector<Value> values;
  Ref root = 0;

  template <class T>
  const T* get_if(Ref ref) const {
    return std::get_if<T>(&values[ref]);
  }
  /// Null when the value is no tensor.
  const Tensor* tensor(Ref ref) const;
};

/// Largest number of values that a pickle may make; a state dict needs about 20 for each tensor.
inline constexpr size_t kMaxValues = size_t{1} << 20;

/// Reads one pickle of protocol 2, 3 or 4, as torch.save writes it for tensors and dicts of them. Memory is in
/// proportion to `bytes`, and nothing recurses. Throws Error "pickle.truncated", "pickle.opcode" (one that tensors do
/// not need), "pickle.global" (a name that is not allowed), "pickle.format" (operands of another kind, an empty stack,
/// an unknown memo) or "pickle.size".
Document read_pickle(std::span<const std::byte> bytes);

}  // namespace graftwork::core::pickle
