// Convolutions, pools and resizing.
#include <algorithm>
#include <cmath>

#include "graftwork/base/text.h"
#include "graftwork/onnx/dims.h"
#include "graftwork/onnx/shape_rules.h"

namespace graftwork::core::onnx {
namespace {

/// Attributes of what moves a window over `spatial` axes.
struct Windows {
  std::vector<int64_t> kernel, strides, dilations, pads;
  std::string auto_pad;
  bool rounds_up;

  Windows(const Operands& operands, std::vector<int64_t> kernel_shape)
      : kernel(std::move(kernel_shape)),
        strides(operands.integers("strides", std::vector<int64_t>(kernel.size(), 1))),
        dilations(operands.integers("dilations", std::vector<int64_t>(kernel.size(), 1))),
        pads(operands.integers("pads", std::vector<int64_t>(2 * kernel.size(), 0))),
        auto_pad(text_attribute(operands.node, "auto_pad", "NOTSET")),
        rounds_up(operands.integer("ceil_mode", 0) != 0) {
    if (strides.size() != kernel.size() || dilations.size() != kernel.size() || pads.size() != 2 * kernel.size())
      throw IllegalOperands("its attributes are for another number of dimensions");
    constexpr int64_t kMost = int64_t{1} << 31;  // extents are multiplied by them, and they by each other
    for (const auto* numbers : {&kernel, &strides, &dilations, &pads}) {
      const int64_t least = numbers == &pads ? -kMost : 1;
      const auto fits = [&](int64_t number) { return number >= least && number <= kMost; };
      if (!std::all_of(numbers->begin(), numbers->end(), fits)) throw IllegalOperands("its windows are none");
    }
  }

  int64_t reach(size_t i) const { return dilations[i] * (kernel[i] - 1) + 1; }
  int64_t padding(size_t i) const { return pads[i] + pads[kernel.size() + i]; }

  /// How many fit.
  Dimension count(size_t i, const Dimension& extent) const {
    const std::optional<int64_t> size = known(extent);
    if (!size) return unknown_dim();
    if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER") return checked_sum(*size, strides[i] - 1) / strides[i];
    const int64_t room = checked_sum(*size, (auto_pad == "VALID" ? 0 : padding(i)) - reach(i));
    if (room < 0) throw IllegalOperands(cat("its window of ", reach(i), " does not fit an extent of ", *size));
    return checked_sum(room, rounds_up ? strides[i] - 1 : 0) / strides[i] + 1;
  }
};

/// The extents of a kernel: the attribute, or behind the first two of the weight.
std::optional<std::vector<int64_t>> kernel_of(const Operands& operands, const Dims* weight) {
  std::vector<int64_t> kernel = operands.integers("kernel_shape");
  if (!kernel.empty() || !weight) return kernel;
  for (size_t i = 2; i < weight->size(); ++i) {
    const std::optional<int64_t> size = known((*weight)[i]);
    if (!size) return std::nullopt;
    kernel.push_back(*size);
  }
  return kernel;
}

/// [batch, channels] of the input, then unknown extents.
Dims outline(const Dims& input, size_t spatial) {
  if (input.size() != spatial + 2) throw IllegalOperands(cat("it takes a rank of ", spatial + 2));
  Dims result = unknown_dims(input.size());
  result[0] = input[0];
  return result;
}

void check_channels(const Operands& operands, const Dims& input, const Dimension& of_weight, int64_t times) {
  const std::optional<int64_t> size = known(of_weight), channels = known(input[1]);
  if (size && channels && checked_product(*size, times) != *channels)
    throw IllegalOperands(cat("its weight is for ", *size * times, " channels"));
  if (operands.dims(2) && operands.dims(2)->size() != 1) throw IllegalOperands("its bias is no vector");
}

}  // namespace

std::vector<Shape> conv_shape(const Operands& operands) {
  const Dims *input = operands.dims(0), *weight = operands.dims(1);
  const auto kernel = kernel_of(operands, weight);
  if (!input || !weight || !kernel) return {std::nullopt};
  const Windows windows(operands, *kernel);
  Dims result = outline(*input, kernel->size());
  check_channels(operands, *input, weight->at(1), operands.integer("group", 1));
  result[1] = weight->at(0);
  for (size_t i = 0; i < kernel->size(); ++i) result[i + 2] = windows.count(i, (*input)[i + 2]);
  return {result};
}

std::vector<Shape> conv_transpose_shape(const Operands& operands) {
  const Dims *input = operands.dims(0), *weight = operands.dims(1);
  const auto kernel = kernel_of(operands, weight);
  if (!input || !weight || !kernel) return {std::nullopt};
  const Windows windows(operands, *kernel);
  const std::vector<int64_t> behind = operands.integers("output_padding", std::vector<int64_t>(kernel->size(), 0));
  Dims result = outline(*input, kernel->size());
  check_channels(operands, *input, weight->at(0), 1);
  if (const auto channels = known(weight->at(1))) result[1] = checked_product(*channels, operands.integer("group", 1));
  for (size_t i = 0; i < kernel->size(); ++i) {
    const std::optional<int64_t> size = known((*input)[i + 2]);
    if (size && windows.auto_pad == "NOTSET" && !find_attribute(operands.node, "output_shape"))
      result[i + 2] = checked_sum(checked_product(windows.strides[i], *size - 1),
                                  checked_sum(behind.at(i), windows.reach(i) - windows.padding(i)));
  }
  return {result};
}

std::vector<Shape> pool_shape(const Operands& operands) {
  const Dims* input = operands.dims(0);
  if (!input) return {std::nullopt};
  const Windows windows(operands, operands.integers("kernel_shape"));
  Dims result = outline(*input, windows.kernel.size());
  result[1] = (*input)[1];
  for (size_t i = 0; i < windows.kernel.size(); ++i) result[i + 2] = windows.count(i, (*input)[i + 2]);
  return {result, result};
}

std::vector<Shape> global_pool_shape(const Operands& operands) {
  if (!operands.dims(0)) return {std::nullopt};
  Dims result = *operands.dims(0);
  if (result.size() < 2) throw IllegalOperands("it takes a rank of at least 2");
  std::fill(result.begin() + 2, result.end(), int64_t{1});
  return {result};
}

std::vector<Shape> resize_shape(const Operands& operands) {
  const Dims* input = operands.dims(0);
  if (!input) return {std::nullopt};
  if (text_attribute(operands.node, "keep_aspect_ratio_policy", "stretch") != "stretch")
    return {unknown_dims(input->size())};
  Dims result = *input;
  std::vector<int64_t> axes = operands.integers("axes");
  for (size_t i = 0; axes.size() < input->size() && !find_attribute(operands.node, "axes"); ++i)
    axes.push_back(static_cast<int64_t>(i));
  const auto sizes = operands.integers(3);
  const auto factors =
      operands.constants.size() > 2 && operands.constants[2] ? floats_of(*operands.constants[2]) : std::nullopt;
  const size_t given = sizes ? sizes->size() : factors ? factors->size() : axes.size();
  if (given != axes.size())
    throw IllegalOperands(cat("it has ", given, " sizes or factors for ", axes.size(), " axes"));
  for (size_t i = 0; i < axes.size(); ++i) {
    Dimension& extent = result[front_axis(axes[i], input->size())];
    const std::optional<int64_t> size = known(extent);
    if (sizes) {
      extent = (*sizes)[i];
    } else if (factors && size) {
      const double scaled = std::floor(static_cast<double>(*size) * static_cast<double>((*factors)[i]));
      if (!(scaled >= 0 && scaled < 0x1p62)) throw IllegalOperands(cat("its factor is ", (*factors)[i]));
      extent = static_cast<int64_t>(scaled);
    } else {
      extent = unknown_dim();
    }
  }
  return {result};
}

}  // namespace graftwork::core::onnx
