// Types of values: element type and shape of a tensor, run-time scalars, tuples.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "graftwork/base/counted.h"
#include "graftwork/base/dtype.h"
#include "graftwork/ir/dim.h"

namespace graftwork::core {

/// Element type and extents, outermost first.
struct TensorType {
  DType dtype = DType::kF32;
  std::vector<Dim> dims;

  size_t rank() const { return dims.size(); }
  bool is_static() const;
  /// Product of the extents; requires is_static().
  int64_t element_count() const;
  std::string text() const;

  friend bool operator==(const TensorType&, const TensorType&) = default;
};

enum class ScalarType : uint8_t { kInt, kFloat, kBool };

/// The type of a value: not known, a tensor, a run-time scalar (a size, say), or a tuple. Cheap to copy.
class Type {
 public:
  Type() = default;
  Type(TensorType tensor) : data_(std::move(tensor)) {}
  Type(ScalarType scalar) : data_(scalar) {}
  static Type tuple(std::vector<Type> elements);

  bool is_known() const { return static_cast<bool>(data_); }
  /// Null when this is no tensor.
  const TensorType* tensor() const;
  std::optional<ScalarType> scalar() const;
  /// Null when this is no tuple.
  const std::vector<Type>* elements() const;

  /// "f32[1, 3, 32, 32]", "int", "(f32[4], i64[4])", "?".
  std::string text() const;

  friend bool operator==(const Type& a, const Type& b);

 private:
  using Data = std::variant<TensorType, ScalarType, std::vector<Type>>;
  template <class T>
  const T* get() const {
    return data_ ? std::get_if<T>(data_.get()) : nullptr;
  }

  Counted<Data> data_;
};

/// Whether the two can be types of one value: equal where both are known. Symbolic extents are not
/// compared, as one extent can be written in several ways.
bool compatible(const Type& a, const Type& b);

/// Numpy's rule for shapes, aligned at the last dimension. Nothing when the shapes do not agree.
std::optional<std::vector<Dim>> broadcast(std::span<const Dim> a, std::span<const Dim> b);

}  // namespace graftwork::core
