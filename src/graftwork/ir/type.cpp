#include "graftwork/ir/type.h"

#include <algorithm>
#include <utility>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core {
bool TensorType::is_static() const {
  return std::all_of(dims.begin(), dims.end(), [](const Dim& dim) { return dim.is_static(); });
}

int64_t TensorType::element_count() const {
  Dim count(1);
  for (const Dim& dim : dims) count = count * dim;
  return count.value();
}

std::string TensorType::text() const {
  std::vector<std::string> parts;
  for (const Dim& dim : dims) parts.push_back(dim.text());
  return cat(dtype_name(dtype), "[", join(parts), "]");
}

Type Type::tuple(std::vector<Type> elements) {
  Type type;
  type.data_ = Counted<Data>(std::move(elements));
  return type;
}

const TensorType* Type::tensor() const { return get<TensorType>(); }

std::optional<ScalarType> Type::scalar() const {
  const auto* held = get<ScalarType>();
  return held ? std::optional(*held) : std::nullopt;
}

const std::vector<Type>* Type::elements() const { return get<std::vector<Type>>(); }

std::string Type::text() const {
  if (const TensorType* type = tensor()) return type->text();
  if (const auto kind = scalar()) {
    return *kind == ScalarType::kInt ? "int" : *kind == ScalarType::kFloat ? "float" : "bool";
  }
  if (const std::vector<Type>* types = elements()) {
    std::vector<std::string> parts;
    for (const Type& type : *types) parts.push_back(type.text());
    return "(" + join(parts) + ")";
  }
  return "?";
}

bool operator==(const Type& a, const Type& b) {
  if (a.data_.get() == b.data_.get()) return true;
  return a.data_ && b.data_ && *a.data_.get() == *b.data_.get();
}

bool compatible(const Type& a, const Type& b) {
  const TensorType* tensor_a = a.tensor();
  const TensorType* tensor_b = b.tensor();
  if (tensor_a == tensor_b && tensor_a) return true;
  if (!tensor_a || !tensor_b) return !a.is_known() || !b.is_known() || a == b;
  if (tensor_a->dtype != tensor_b->dtype || tensor_a->rank() != tensor_b->rank()) return false;
  for (size_t i = 0; i < tensor_a->rank(); ++i) {
    const Dim& dim_a = tensor_a->dims[i];
    const Dim& dim_b = tensor_b->dims[i];
    if (dim_a.is_static() && dim_b.is_static() && dim_a != dim_b) return false;
  }
  return true;
}

std::optional<std::vector<Dim>> broadcast(std::span<const Dim> a, std::span<const Dim> b) {
  if (a.size() < b.size()) std::swap(a, b);
  std::vector<Dim> out(a.begin(), a.end());
  const size_t shift = a.size() - b.size();
  for (size_t i = 0; i < b.size(); ++i) {
    Dim& dim = out[shift + i];
    if (dim == b[i] || b[i] == Dim(1)) continue;
    if (dim != Dim(1)) return std::nullopt;
    dim = b[i];
  }
  return out;
}

}  // namespace graftwork::core
