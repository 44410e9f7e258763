#include "graftwork/onnx/dims.h"

#include <algorithm>

#include "graftwork/base/text.h"

namespace graftwork::core::onnx {
namespace {

Dimension broadcast_extent(const Dimension& a, const Dimension& b) {
  const std::optional<int64_t> x = known(a), y = known(b);
  if (x == 1) return b;
  if (y == 1) return a;
  if (x && y && *x != *y) throw IllegalOperands(cat("extents ", *x, " and ", *y, " do not broadcast"));
  // A number that is not 1 wins over a name.
  if (x) return a;
  if (y) return b;
  return a == b ? a : unknown_dim();
}

}  // namespace

std::optional<int64_t> known(const Dimension& dim) {
  const int64_t* size = std::get_if<int64_t>(&dim);
  return size ? std::optional<int64_t>(*size) : std::nullopt;
}

Dims unknown_dims(size_t rank) { return Dims(rank, unknown_dim()); }

size_t front_axis(int64_t axis, size_t rank) {
  const int64_t front = axis < 0 ? axis + static_cast<int64_t>(rank) : axis;
  if (front < 0 || front >= static_cast<int64_t>(rank))
    throw IllegalOperands(cat("rank ", rank, " has no axis ", axis));
  return static_cast<size_t>(front);
}

int64_t checked_sum(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) throw IllegalOperands("its extents are beyond 64 bits");
  return sum;
}

int64_t checked_product(int64_t a, int64_t b) {
  int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) throw IllegalOperands("its extents are beyond 64 bits");
  return product;
}

std::optional<int64_t> product(const Dims& dims, size_t begin, size_t end) {
  int64_t result = 1;
  for (size_t i = begin; i < end; ++i) {
    const std::optional<int64_t> size = known(dims[i]);
    if (!size || __builtin_mul_overflow(result, *size, &result)) return std::nullopt;
  }
  return result;
}

Dimension product_dim(const Dims& dims, size_t begin, size_t end) {
  if (end == begin + 1) return dims[begin];
  const std::optional<int64_t> size = product(dims, begin, end);
  return size ? Dimension(*size) : unknown_dim();
}

Dimension merged(const Dimension& a, const Dimension& b) {
  const std::optional<int64_t> x = known(a), y = known(b);
  if (x && y && *x != *y) throw IllegalOperands(cat("an extent is ", *x, " and ", *y));
  if (x) return a;
  if (y) return b;
  return std::get<std::string>(a).empty() ? b : a;
}

Dims broadcast(const Dims& a, const Dims& b) {
  const Dims& longer = a.size() >= b.size() ? a : b;
  const Dims& shorter = a.size() >= b.size() ? b : a;
  Dims result = longer;
  const size_t offset = longer.size() - shorter.size();
  for (size_t i = 0; i < shorter.size(); ++i) result[offset + i] = broadcast_extent(longer[offset + i], shorter[i]);
  return result;
}

std::string text_of(const Dims& dims) {
  std::string text = "[";
  for (const Dimension& dim : dims) {
    if (text.size() > 1) text += ", ";
    const std::optional<int64_t> size = known(dim);
    const std::string name = size ? std::to_string(*size) : std::get<std::string>(dim);
    text += name.empty() ? "?" : name;
  }
  return text + "]";
}

}  // namespace graftwork::core::onnx
