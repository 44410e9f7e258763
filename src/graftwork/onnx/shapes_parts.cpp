// Operators that join tensors, take parts of them or surround them, and recurrent layers.
#include <algorithm>

#include "graftwork/base/text.h"
#include "graftwork/onnx/dims.h"
#include "graftwork/onnx/shape_rules.h"

namespace graftwork::core::onnx {
namespace {

/// How many elements a slice takes of an extent.
int64_t slice_count(int64_t extent, int64_t start, int64_t end, int64_t step) {
  if (step == 0 || step == INT64_MIN) throw IllegalOperands(cat("its step is ", step));
  if (extent == 0) return 0;
  // With a negative step the last element is the first that may be taken, and −1 is behind the first.
  const int64_t first = step > 0 ? 0 : -1, last = step > 0 ? extent : extent - 1;
  const auto within = [&](int64_t position, int64_t least) {
    return std::clamp(position < 0 ? position + extent : position, least, last);
  };
  const int64_t from = within(start, 0), to = end < -extent ? first : within(end, first);
  const int64_t distance = step > 0 ? to - from : from - to;
  const int64_t stride = step > 0 ? step : -step;
  return distance <= 0 ? 0 : distance / stride + (distance % stride != 0 ? 1 : 0);
}

}  // namespace

std::vector<Shape> concat_shape(const Operands& operands) {
  std::optional<Dims> result;
  std::optional<size_t> axis;
  for (size_t i = 0; i < operands.inputs.size(); ++i) {
    const Dims* dims = operands.dims(i);
    if (!dims) return {std::nullopt};
    if (!result) {
      result = *dims;
      axis = front_axis(operands.integer("axis", 0), dims->size());
      continue;
    }
    if (dims->size() != result->size()) throw IllegalOperands("its operands differ in rank");
    for (size_t k = 0; k < dims->size(); ++k) {
      if (k != *axis) {
        (*result)[k] = merged((*result)[k], (*dims)[k]);
      } else {
        const auto sum = known((*result)[k]), more = known((*dims)[k]);
        (*result)[k] = sum && more ? Dimension(checked_sum(*sum, *more)) : unknown_dim();
      }
    }
  }
  return {result};
}

std::vector<Shape> split_shape(const Operands& operands) {
  const Dims* input = operands.dims(0);
  if (!input) return {};
  const size_t axis = front_axis(operands.integer("axis", 0), input->size());
  const std::optional<int64_t> extent = known((*input)[axis]);
  const auto parts = static_cast<int64_t>(operands.node.outputs.size());
  const auto sizes = operands.integers(1);
  int64_t sum = 0;
  std::vector<Shape> shapes;
  for (int64_t i = 0; i < parts; ++i) {
    Dims part = *input;
    part[axis] = unknown_dim();
    if (sizes) part[axis] = sizes->at(static_cast<size_t>(i));
    if (!sizes && operands.node.inputs.size() < 2 && extent) {
      const int64_t size = *extent / parts + (*extent % parts != 0 ? 1 : 0);
      part[axis] = std::min(size, *extent - i * size);
    }
    sum = checked_sum(sum, known(part[axis]).value_or(0));
    shapes.emplace_back(std::move(part));
  }
  if (sizes && extent && sum != *extent) throw IllegalOperands(cat("its parts have ", sum, " of ", *extent));
  return shapes;
}

std::vector<Shape> slice_shape(const Operands& operands) {
  const Dims* input = operands.dims(0);
  if (!input) return {std::nullopt};
  const auto starts = operands.integers(1), ends = operands.integers(2);
  std::vector<int64_t> axes, steps;
  if (starts) {
    for (size_t i = 0; i < starts->size(); ++i) axes.push_back(static_cast<int64_t>(i));
    steps.assign(starts->size(), 1);
  }
  const bool names_axes = operands.node.inputs.size() > 3 && !operands.node.inputs[3].empty();
  const bool names_steps = operands.node.inputs.size() > 4 && !operands.node.inputs[4].empty();
  const auto given_axes = operands.integers(3), given_steps = operands.integers(4);
  if (!starts || !ends || (names_axes && !given_axes) || (names_steps && !given_steps))
    return {unknown_dims(input->size())};
  if (names_axes) axes = *given_axes;
  if (names_steps) steps = *given_steps;
  Dims result = *input;
  for (size_t i = 0; i < axes.size(); ++i) {
    Dimension& extent = result[front_axis(axes[i], input->size())];
    const std::optional<int64_t> size = known(extent);
    extent = size ? Dimension(slice_count(*size, starts->at(i), ends->at(i), steps.at(i))) : unknown_dim();
  }
  return {result};
}

std::vector<Shape> gather_shape(const Operands& operands) {
  const Dims *input = operands.dims(0), *indices = operands.dims(1);
  if (!input || !indices) return {std::nullopt};
  const auto axis = static_cast<std::ptrdiff_t>(front_axis(operands.integer("axis", 0), input->size()));
  Dims result(input->begin(), input->begin() + axis);
  result.insert(result.end(), indices->begin(), indices->end());
  result.insert(result.end(), input->begin() + axis + 1, input->end());
  return {result};
}

std::vector<Shape> gather_elements_shape(const Operands& operands) {
  const Dims* indices = operands.dims(1);
  return {indices ? Shape(*indices) : std::nullopt};
}

std::vector<Shape> gather_nd_shape(const Operands& operands) {
  const Dims *input = operands.dims(0), *indices = operands.dims(1);
  if (!input || !indices || indices->empty()) return {std::nullopt};
  const std::optional<int64_t> width = known(indices->back());
  if (!width) return {std::nullopt};
  if (*width < 1 || static_cast<size_t>(*width) > input->size())
    throw IllegalOperands("its indices are for another rank");
  Dims result(indices->begin(), indices->end() - 1);
  result.insert(result.end(), input->begin() + *width, input->end());
  return {result};
}

std::vector<Shape> grid_sample_shape(const Operands& operands) {
  const Dims *input = operands.dims(0), *grid = operands.dims(1);
  if (!input || !grid) return {std::nullopt};
  if (input->size() < 3 || grid->size() != input->size()) throw IllegalOperands("its grid is for another rank");
  Dims result{(*input)[0], (*input)[1]};
  result.insert(result.end(), grid->begin() + 1, grid->end() - 1);
  return {result};
}

std::vector<Shape> top_k_shape(const Operands& operands) {
  const Dims* input = operands.dims(0);
  if (!input) return {std::nullopt, std::nullopt};
  const size_t axis = front_axis(operands.integer("axis", -1), input->size());
  const auto count = operands.integers(1);
  Dims result = *input;
  result.at(axis) = count && count->size() == 1 ? Dimension((*count)[0]) : unknown_dim();
  return {result, result};
}

std::vector<Shape> pad_shape(const Operands& operands) {
  const Dims* input = operands.dims(0);
  if (!input) return {std::nullopt};
  const auto pads = operands.integers(1);
  if (!pads || operands.node.inputs.size() > 3) return {unknown_dims(input->size())};
  if (pads->size() != 2 * input->size()) throw IllegalOperands("its pads are for another rank");
  Dims result = *input;
  for (size_t i = 0; i < result.size(); ++i) {
    const int64_t more = checked_sum((*pads)[i], (*pads)[input->size() + i]);
    const std::optional<int64_t> size = known(result[i]);
    if (size) result[i] = checked_sum(*size, more);
    if (!size && more != 0) result[i] = unknown_dim();
  }
  return {result};
}

std::vector<Shape> recurrent_shape(const Operands& operands) {
  const Dims* input = operands.dims(0);
  if (!input) return {};
  if (input->size() != 3) throw IllegalOperands("it takes a rank of 3");
  const int64_t directions = text_attribute(operands.node, "direction", "forward") == "bidirectional" ? 2 : 1;
  const int64_t hidden = operands.integer("hidden_size", 0);
  const Dims state{directions, (*input)[1], hidden};
  return {Dims{(*input)[0], directions, (*input)[1], hidden}, state, state};
}

}  // namespace graftwork::core::onnx
