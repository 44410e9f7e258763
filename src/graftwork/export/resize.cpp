#include "graftwork/export/resize.h"

#include "graftwork/base/text.h"
#include "graftwork/export/runtime_number.h"

namespace graftwork::core {
namespace {

/// The positions along an axis that nearest resizing reads: ⌊i · in / out⌋ in FP32, as torch computes it. A Resize
/// rounds otherwise for one pair of sizes in twenty.
std::string read_positions(Lowering& lowering, const std::string& name, const std::string& in, const std::string& out,
                           bool is_exact) {
  const auto to_float = [&](const std::string& value) {
    return lowering.add("Cast", value + "_f32", {value}, {{"to", onnx::data_type(DType::kF32)}});
  };
  const auto number = [&](const std::string& what, const at::Tensor& value) {
    return lowering.constant(cat(name, "_", what), value);
  };
  const std::string order = lowering.add("Range", name + "_order",
                                         {number("first", at::scalar_tensor(0, at::kLong)), lower_scalar(lowering, out),
                                          number("step", at::scalar_tensor(1, at::kLong))});
  std::string place = to_float(order);
  if (is_exact) place = lowering.add("Add", name + "_middle", {place, number("half", at::tensor({0.5F}))});
  const std::string scale = lowering.add("Div", name + "_scale", {to_float(in), to_float(out)});
  place = lowering.add("Floor", name + "_floor", {lowering.add("Mul", name + "_place", {place, scale})});
  place = lowering.add("Cast", name + "_whole", {place}, {{"to", onnx::data_type(DType::kI64)}});
  const std::string last = lowering.add("Sub", name + "_last", {in, lowering.integers(name + "_one", {1})});
  return lowering.add("Min", name, {place, last});
}

/// Up to here ⌊i · (1 / k)⌋ in FP32 is i / k for every k.
constexpr int64_t kLargestFactor = 40;

/// k where `to` is k · `from`; 0 where it is not, or too large.
int64_t whole_factor(const Dim& from, const Dim& to) {
  const int64_t a = from.is_static() ? from.offset() : from.scale(), b = to.is_static() ? to.offset() : to.scale();
  return a > 0 && b > 0 && b % a == 0 && b / a <= kLargestFactor && from * Dim(b / a) == to ? b / a : 0;
}

}  // namespace

std::vector<std::pair<std::string, onnx::AttributeValue>> resize_attributes(const ResizeMode& mode) {
  if (mode.mode == "nearest")
    return {{"coordinate_transformation_mode", "asymmetric"}, {"mode", "nearest"}, {"nearest_mode", "floor"}};
  if (mode.mode == "nearest-exact")
    return {
        {"coordinate_transformation_mode", "half_pixel"}, {"mode", "nearest"}, {"nearest_mode", "round_prefer_ceil"}};
  const char* positions = mode.align_corners ? "align_corners" : "half_pixel";
  if (mode.mode == "bicubic")
    return {{"coordinate_transformation_mode", positions}, {"cubic_coeff_a", -0.75}, {"mode", "cubic"}};
  return {{"coordinate_transformation_mode", positions}, {"mode", "linear"}};
}

std::string lower_resize(Lowering& lowering, const std::string& name, const std::string& input, const ResizeMode& mode,
                         const TensorType& from, const TensorType& to, const std::vector<std::string>& sizes,
                         const std::string& output) {
  const auto extents = [&](int64_t begin, int64_t end) {
    return lowering.add("Shape", cat(name, "_size_", begin), {input}, {{"end", end}, {"start", begin}});
  };
  if (!mode.is_nearest()) {
    std::vector<std::string> all{extents(0, 2)};
    all.insert(all.end(), sizes.begin(), sizes.end());
    const std::string target = lowering.add("Concat", name + "_sizes", std::move(all), {{"axis", int64_t{0}}});
    return lowering.add("Resize", name, {input, "", "", target}, resize_attributes(mode), output);
  }
  std::vector<float> factors(from.rank(), 1);
  std::vector<size_t> read;
  for (size_t axis = 2; axis < from.rank(); ++axis) {
    const int64_t factor = whole_factor(from.dims[axis], to.dims[axis]);
    if (factor > 0) factors[axis] = static_cast<float>(factor);
    if (factor == 0) read.push_back(axis);
  }
  const bool is_multiplied = std::any_of(factors.begin(), factors.end(), [](float factor) { return factor != 1; });
  std::string value = input;
  for (const size_t axis : read) {
    const auto at = static_cast<int64_t>(axis);
    const bool is_last = axis == read.back() && !is_multiplied;
    const std::string own = is_last ? name : cat(name, ".axis_", axis);
    const std::string positions = read_positions(lowering, own + ".positions", extents(at, at + 1), sizes[axis - 2],
                                                 mode.mode == "nearest-exact");
    value = lowering.add("Gather", own, {value, positions}, {{"axis", at}}, is_last ? output : "");
  }
  if (!is_multiplied && !read.empty()) return value;
  const std::string scales = lowering.constant(name + ".scales", at::tensor(factors));
  return lowering.add("Resize", name, {value, "", scales}, resize_attributes(mode), output);
}

}  // namespace graftwork::core
