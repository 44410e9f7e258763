// Operators that keep all elements, or repeat them.
#include <algorithm>
#include <cmath>

#include "graftwork/base/text.h"
#include "graftwork/onnx/dims.h"
#include "graftwork/onnx/shape_rules.h"

namespace graftwork::core::onnx {

std::vector<Shape> reshape_shape(const Operands& operands) {
  const auto target = operands.integers(1);
  if (!target) return {std::nullopt};
  const Dims* input = operands.dims(0);
  const bool copies = operands.integer("allowzero", 0) == 0;
  Dims result;
  std::optional<size_t> open;
  std::vector<bool> is_copied(input ? input->size() : 0, false);
  int64_t elements = 1;
  for (size_t i = 0; i < target->size(); ++i) {
    const int64_t size = (*target)[i];
    if (size == -1) {
      if (open) throw IllegalOperands("two of its extents are open");
      open = i;
      result.push_back(unknown_dim());
    } else if (size == 0 && copies) {
      if (input && i >= input->size()) throw IllegalOperands("it copies an extent that is not there");
      result.push_back(input ? (*input)[i] : unknown_dim());
      if (input) is_copied[i] = true;
    } else {
      result.emplace_back(size);
      elements = checked_product(elements, size);
    }
  }
  // What is copied stands on both sides.
  std::optional<int64_t> rest = input ? std::optional<int64_t>(1) : std::nullopt;
  for (size_t i = 0; rest && i < input->size(); ++i) {
    if (is_copied[i]) continue;
    const std::optional<int64_t> size = known((*input)[i]);
    rest = size ? std::optional(checked_product(*rest, *size)) : std::nullopt;
  }
  if (!rest) return {result};
  if (open ? elements == 0 || *rest % elements != 0 : *rest != elements)
    throw IllegalOperands(cat("its elements do not fit ", text_of(result)));
  if (open) result[*open] = *rest / elements;
  return {result};
}

std::vector<Shape> flatten_shape(const Operands& operands) {
  const Dims* input = operands.dims(0);
  if (!input) return {std::nullopt};
  const int64_t axis = operands.integer("axis", 1);
  const auto rank = static_cast<int64_t>(input->size());
  const int64_t split = axis < 0 ? axis + rank : axis;
  if (split < 0 || split > rank) throw IllegalOperands(cat("rank ", rank, " has no axis ", axis));
  const auto middle = static_cast<size_t>(split);
  return {Dims{product_dim(*input, 0, middle), product_dim(*input, middle, input->size())}};
}

std::vector<Shape> transpose_shape(const Operands& operands) {
  const Dims* input = operands.dims(0);
  if (!input) return {std::nullopt};
  const std::vector<int64_t> order = operands.integers("perm");
  if (order.empty()) return {Dims(input->rbegin(), input->rend())};
  if (order.size() != input->size()) throw IllegalOperands("its order is for another rank");
  Dims result;
  for (const int64_t axis : order) result.push_back((*input)[front_axis(axis, input->size())]);
  return {result};
}

std::vector<Shape> squeeze_shape(const Operands& operands) {
  const Dims* input = operands.dims(0);
  const bool names_axes = operands.node.inputs.size() > 1;
  const auto axes = operands.integers(1);
  if (!input || (names_axes && !axes)) return {std::nullopt};
  std::vector<bool> goes(input->size(), false);
  for (size_t i = 0; !names_axes && i < input->size(); ++i) {
    if (!known((*input)[i])) return {std::nullopt};
    goes[i] = known((*input)[i]) == 1;
  }
  if (names_axes) {
    for (const int64_t axis : *axes) goes[front_axis(axis, input->size())] = true;
  }
  Dims result;
  for (size_t i = 0; i < input->size(); ++i) {
    if (!goes[i]) {
      result.push_back((*input)[i]);
    } else if (known((*input)[i]).value_or(1) != 1) {
      throw IllegalOperands(cat("axis ", i, " is not of extent 1"));
    }
  }
  return {result};
}

std::vector<Shape> unsqueeze_shape(const Operands& operands) {
  const Dims* input = operands.dims(0);
  const auto axes = operands.integers(1);
  if (!input || !axes) return {std::nullopt};
  const size_t rank = input->size() + axes->size();
  std::vector<bool> is_new(rank, false);
  for (const int64_t axis : *axes) is_new[front_axis(axis, rank)] = true;
  if (static_cast<size_t>(std::count(is_new.begin(), is_new.end(), true)) != axes->size())
    throw IllegalOperands("it names an axis twice");
  Dims result;
  size_t next = 0;
  for (size_t i = 0; i < rank; ++i) result.push_back(is_new[i] ? Dimension(int64_t{1}) : (*input)[next++]);
  return {result};
}

std::vector<Shape> depth_to_space_shape(const Operands& operands) {
  const Dims* input = operands.dims(0);
  if (!input) return {std::nullopt};
  if (input->size() != 4) throw IllegalOperands("it takes a rank of 4");
  const int64_t block = operands.integer("blocksize", 1);
  if (block < 1) throw IllegalOperands(cat("its blocks are of ", block));
  Dims result = *input;
  const auto scale = [&](size_t axis, int64_t times, int64_t over) {
    const std::optional<int64_t> size = known((*input)[axis]);
    if (size && *size % over != 0) throw IllegalOperands(cat("blocks of ", block, " do not divide its channels"));
    result[axis] = size ? Dimension(checked_product(*size, times) / over) : unknown_dim();
  };
  scale(1, 1, checked_product(block, block));
  scale(2, block, 1);
  scale(3, block, 1);
  return {result};
}

std::vector<Shape> expand_shape(const Operands& operands) {
  const auto target = operands.integers(1);
  if (!operands.dims(0) || !target) return {std::nullopt};
  return {broadcast(*operands.dims(0), Dims(target->begin(), target->end()))};
}

std::vector<Shape> tile_shape(const Operands& operands) {
  const Dims* input = operands.dims(0);
  if (!input) return {std::nullopt};
  Dims result = unknown_dims(input->size());
  const auto repeats = operands.integers(1);
  if (repeats && repeats->size() != input->size()) throw IllegalOperands("its repeats are for another rank");
  for (size_t i = 0; repeats && i < result.size(); ++i) {
    if (const auto size = known((*input)[i])) result[i] = checked_product(*size, (*repeats)[i]);
  }
  return {result};
}

std::vector<Shape> extents_shape(const Operands& operands) {
  const Dims* input = operands.dims(0);
  if (!input) return {unknown_dims(1)};
  const auto rank = static_cast<int64_t>(input->size());
  const auto within = [&](int64_t axis) { return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank); };
  const int64_t begin = within(operands.integer("start", 0)), end = within(operands.integer("end", rank));
  return {Dims{Dimension(std::max<int64_t>(end - begin, 0))}};
}

std::vector<Shape> range_shape(const Operands& operands) {
  std::vector<double> numbers;
  for (size_t i = 0; i < 3; ++i) {
    if (operands.dims(i) && !operands.dims(i)->empty()) throw IllegalOperands("it takes numbers");
    const Tensor* constant = i < operands.constants.size() ? operands.constants[i] : nullptr;
    const auto whole = operands.integers(i);
    const auto real = constant ? floats_of(*constant) : std::nullopt;
    if (whole) numbers.push_back(static_cast<double>(whole->at(0)));
    if (real) numbers.push_back(static_cast<double>(real->at(0)));
  }
  if (numbers.size() < 3) return {unknown_dims(1)};
  if (numbers[2] == 0) throw IllegalOperands("its step is 0");
  const double count = std::ceil((numbers[1] - numbers[0]) / numbers[2]);
  if (!(count < 0x1p62)) throw IllegalOperands("it has no end");
  return {Dims{Dimension(static_cast<int64_t>(std::max(count, 0.0)))}};
}

}  // namespace graftwork::core::onnx
