#include "graftwork/import/common/constant_folding.h"

#include <limits>
#include <unordered_set>

#include "graftwork/base/error.h"
#include "graftwork/nn/dtypes.h"
#include "graftwork/nn/operator_call.h"

namespace graftwork {
namespace {

std::vector<int64_t> extents(const TensorType& type) {
  std::vector<int64_t> result;
  for (const Dim& dim : type.dims) result.push_back(dim.value());
  return result;
}

int64_t integer(const AttrMap& attrs, Symbol name, int64_t fallback) {
  const Attribute* attr = attrs.find(name);
  const int64_t* value = attr ? attr->get<int64_t>() : nullptr;
  return value ? *value : fallback;
}

std::optional<ParamExpr> viewed(const ParamExpr& x, const AttrMap& attrs, Symbol name) {
  const Attribute* attr = attrs.find(name);
  const auto* given = attr ? attr->get<std::vector<int64_t>>() : nullptr;
  if (!given) return std::nullopt;
  std::vector<int64_t> shape = *given;
  Dim product(1);
  for (const int64_t extent : shape) product = product * Dim(extent == -1 ? 1 : extent);
  const int64_t known = product.value();
  for (int64_t& extent : shape) {
    if (extent == -1 && known > 0) extent = x.type().element_count() / known;
  }
  return x.view(shape);
}

}  // namespace

std::optional<ParamExpr> as_expression(Symbol op, const std::vector<ParamExpr>& operands, const AttrMap& attrs) {
  if (operands.size() != 1) return std::nullopt;
  const ParamExpr& x = operands[0];
  const auto rank = static_cast<int64_t>(x.type().rank());
  const auto wrap = [&](int64_t axis, int64_t extent) { return axis < 0 ? axis + extent : axis; };
  const std::string& name = op.str();
  try {
    if (name == "aten.detach.default" || name == "aten.alias.default" || name == "aten.clone.default" ||
        name == "aten.contiguous.default" || name == "aten.lift_fresh_copy.default") {
      return x;
    }
    if (name == "aten.view.default") return viewed(x, attrs, "size");
    if (name == "aten.reshape.default") return viewed(x, attrs, "shape");
    std::vector<int64_t> order(static_cast<size_t>(rank));
    for (int64_t i = 0; i < rank; ++i) order[static_cast<size_t>(i)] = i;
    if (name == "aten.permute.default") {
      const Attribute* dims = attrs.find("dims");
      if (!dims || !dims->get<std::vector<int64_t>>()) return std::nullopt;
      order = *dims->get<std::vector<int64_t>>();
      for (int64_t& axis : order) axis = wrap(axis, rank);
      return x.permute(order);
    }
    if (name == "aten.t.default" || name == "aten.numpy_T.default") return rank == 2 ? x.permute({1, 0}) : x;
    if (name == "aten.transpose.int") {
      std::swap(order.at(static_cast<size_t>(wrap(integer(attrs, "dim0", 0), rank))),
                order.at(static_cast<size_t>(wrap(integer(attrs, "dim1", 0), rank))));
      return x.permute(order);
    }
    std::vector<int64_t> shape = extents(x.type());
    if (name == "aten.unsqueeze.default") {
      const int64_t axis = wrap(integer(attrs, "dim", 0), rank + 1);
      if (axis < 0 || axis > rank) return std::nullopt;
      shape.insert(shape.begin() + axis, 1);
      return x.view(shape);
    }
    if (name == "aten.slice.Tensor" && integer(attrs, "step", 1) == 1 && rank > 0) {
      const int64_t axis = wrap(integer(attrs, "dim", 0), rank);
      const int64_t extent = shape.at(static_cast<size_t>(axis));
      const auto clamp = [&](int64_t at) { return std::clamp<int64_t>(wrap(at, extent), 0, extent); };
      const int64_t start = clamp(integer(attrs, "start", 0));
      return x.slice(axis, start, std::max(start, clamp(integer(attrs, "end", extent))));
    }
  } catch (const Error&) {
    return std::nullopt;  // the operator itself will say what is wrong
  } catch (const std::out_of_range&) {
    return std::nullopt;
  }
  return std::nullopt;
}

bool FoldingBudget::spend(int64_t bytes) {
  if (bytes > kPerOperator || bytes > left_) return false;
  left_ -= bytes;
  return true;
}

namespace {

/// Internal operators that programs use all the same.
bool is_internal(Symbol op) {
  static const std::unordered_set<std::string> kKnown{"aten._to_copy.default", "aten._unsafe_view.default",
                                                      "aten._softmax.default"};
  return op.str().starts_with("aten._") && !kKnown.contains(op.str());
}

/// The tensors of a result; nothing when there is anything else in it.
std::optional<std::vector<at::Tensor>> tensors_of(const c10::IValue& result) {
  if (result.isTensor()) return std::vector{result.toTensor()};
  if (!result.isTuple()) return std::nullopt;
  std::vector<at::Tensor> tensors;
  for (const c10::IValue& element : result.toTupleRef().elements()) {
    if (!element.isTensor()) return std::nullopt;
    tensors.push_back(element.toTensor());
  }
  return tensors;
}

std::optional<std::vector<at::Tensor>> run_on(const OperatorCall& call, const std::vector<at::Tensor>& operands,
                                              c10::Device device) {
  const std::vector<c10::IValue> values(operands.begin(), operands.end());
  std::vector<const c10::IValue*> inputs;
  for (const c10::IValue& value : values) inputs.push_back(&value);
  return tensors_of(call.run(inputs, device));
}

/// Bytes of the elements; the largest number when there is none so large.
int64_t total_bytes(const std::vector<at::Tensor>& tensors) {
  int64_t total = 0;
  for (const at::Tensor& tensor : tensors) {
    int64_t bytes = 0;
    if (__builtin_mul_overflow(tensor.numel(), static_cast<int64_t>(tensor.element_size()), &bytes) ||
        __builtin_add_overflow(total, bytes, &total)) {
      return std::numeric_limits<int64_t>::max();
    }
  }
  return total;
}

}  // namespace

std::optional<std::vector<at::Tensor>> run_constant(Symbol op, const std::vector<ParamExpr>& operands,
                                                    const AttrMap& attrs, const TensorStore& tensors,
                                                    FoldingBudget& budget) {
  const auto handle = find_operator(op);
  if (!handle || handle->schema().is_mutable() || handle->schema().returns().empty()) return std::nullopt;
  if (handle->hasTag(at::Tag::nondeterministic_seeded) || is_internal(op)) return std::nullopt;
  std::vector<at::Tensor> values;
  std::vector<at::Tensor> shapes;
  const at::NoGradGuard no_grad;
  try {
    const OperatorCall call(op, attrs, operands.size());
    for (const ParamExpr& operand : operands) {
      values.push_back(evaluate(operand, tensors));
      shapes.push_back(values.back().to(at::kMeta));
    }
    const auto expected = run_on(call, shapes, at::kMeta);
    if (!expected) return std::nullopt;
    shapes.insert(shapes.end(), expected->begin(), expected->end());
    if (!budget.spend(total_bytes(shapes))) return std::nullopt;
    return run_on(call, values, at::kCPU);
  } catch (const Error&) {
    return std::nullopt;
  } catch (const c10::Error&) {
    return std::nullopt;  // it will be reported where it runs
  }
}

std::optional<at::Tensor> filled_like(Symbol op, const AttrMap& attrs, const Type& type) {
  const TensorType* tensor = type.tensor();
  if (!tensor || !tensor->is_static()) return std::nullopt;
  c10::Scalar value = 0;
  if (op == Symbol("aten.new_ones.default") || op == Symbol("aten.ones_like.default")) {
    value = 1;
  } else if (op == Symbol("aten.new_full.default") || op == Symbol("aten.full_like.default")) {
    const Attribute* given = attrs.find("fill_value");
    if (!given) return std::nullopt;
    if (const auto* number = given->get<double>()) {
      value = *number;
    } else if (const auto* whole = given->get<int64_t>()) {
      value = *whole;
    } else if (const auto* truth = given->get<bool>()) {
      value = *truth;
    } else {
      return std::nullopt;
    }
  } else if (op != Symbol("aten.new_zeros.default") && op != Symbol("aten.zeros_like.default")) {
    return std::nullopt;
  }
  try {
    return at::full(extents(*tensor), value, at::TensorOptions(to_torch(tensor->dtype)));
  } catch (const c10::Error&) {
    return std::nullopt;  // too large to be made now
  }
}

}  // namespace graftwork
