// Tensors of one number, and tensors that are repeated.
#include <cmath>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/form.h"
#include "graftwork/export/runtime_number.h"
#include "graftwork/export/runtime_shape.h"
#include "graftwork/nn/dtypes.h"

namespace graftwork::core {
namespace {

const TensorType& result_of(const Node& node) {
  if (!node.tensor()) throw Error("export.shape", "its shape is not known");
  return *node.tensor();
}

/// A constant where the shape is known and small, else a number that is spread over it.
void fill(Lowering& lowering, const Node& node, double number) {
  constexpr int64_t kMostElements = int64_t{1} << 20;
  const TensorType& type = result_of(node);
  const std::string& name = node.name().str();
  const at::ScalarType dtype = to_torch(lowering.exported_dtype(type.dtype));
  if (type.is_static() && type.element_count() <= kMostElements) {
    std::vector<int64_t> shape;
    for (const Dim& dim : type.dims) shape.push_back(dim.value());
    return lowering.bind(node, lowering.constant(name, at::full(shape, number, dtype)));
  }
  const std::string shape = lower_shape(lowering, name + "_shape", type);
  const std::string value = lowering.constant(name + "_value", at::scalar_tensor(number, dtype));
  lowering.bind(node, lowering.add("Expand", name, {value, shape}, {}, lowering.result_name(node)));
}

void zeros(Lowering& lowering, const Node& node) { fill(lowering, node, 0); }
void ones(Lowering& lowering, const Node& node) { fill(lowering, node, 1); }
void full(Lowering& lowering, const Node& node) { fill(lowering, node, number_attr(node, "fill_value", 0)); }

void expand(Lowering& lowering, const Node& node) {
  const std::string shape = lower_shape(lowering, node.name().str() + "_shape", result_of(node));
  lowering.bind(node, lowering.add("Expand", node.name().str(), {lowering.operand(node, 0), shape}, {},
                                   lowering.result_name(node)));
}

/// Numbers one after the other, to an end that is known at run time only.
void arange(Form& form) {
  constexpr double kExact = 9007199254740992;  // 2⁵³, below which FP64 has every whole number
  const auto number = [&](Symbol name, int64_t fallback) {
    const Attribute* attr = form.node().attrs().find(name);
    const Attribute given = attr && !attr->is_none() ? *attr : Attribute(fallback);
    const double* fraction = given.get<double>();
    // Casting a number that an integer does not hold has no result.
    const bool is_whole = !fraction || (std::abs(*fraction) < kExact && *fraction == std::floor(*fraction));
    const std::string value =
        is_whole ? lower_number(form.lowering(), form.node(), fraction ? static_cast<int64_t>(*fraction) : given) : "";
    if (!is_whole || !is_whole_number(form.node(), given))
      throw Error("export.shape",
                  cat("its ", name.str(), " is no whole number below 2⁵³, and its length is known at run time only"),
                  "whole numbers, scaled afterwards");
    return lower_scalar(form.lowering(), value);
  };
  const std::vector<std::string> limits{number("start", 0), number("end", 0), number("step", 1)};
  const DType type = form.result_dtype();
  if (type == DType::kI64) return form.result("Range", limits);
  form.result("Cast", {form.add("Range", limits)}, {{"to", onnx::data_type(type)}});
}

/// New dimensions come in front.
void repeat(Lowering& lowering, const Node& node) {
  const std::vector<int64_t> repeats = integers_attr(node, "repeats");
  const std::string& name = node.name().str();
  std::string value = lowering.operand(node, 0);
  const auto extra = static_cast<int64_t>(repeats.size()) - rank_of(node);
  if (extra > 0) {
    std::vector<int64_t> axes;
    for (int64_t axis = 0; axis < extra; ++axis) axes.push_back(axis);
    value = lowering.add("Unsqueeze", name + "_unsqueeze", {value, lowering.integers(name + "_axes", axes)});
  }
  lowering.bind(node, lowering.add("Tile", name, {value, lowering.integers(name + "_repeats", repeats)}, {},
                                   lowering.result_name(node)));
}

}  // namespace

OperatorLowerings creation_lowerings() {
  return {{"aten.zeros.default", zeros},       {"aten.zeros_like.default", zeros},
          {"aten.new_zeros.default", zeros},   {"aten.ones.default", ones},
          {"aten.ones_like.default", ones},    {"aten.new_ones.default", ones},
          {"aten.full.default", full},         {"aten.full_like.default", full},
          {"aten.new_full.default", full},     {"aten.arange.default", form(arange)},
          {"aten.arange.start", form(arange)}, {"aten.arange.start_step", form(arange)},
          {"aten.expand.default", expand},     {"aten.repeat.default", repeat}};
}

}  // namespace graftwork::core
