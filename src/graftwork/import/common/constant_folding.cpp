#include "graftwork/import/common/constant_folding.h"

#include "graftwork/base/error.h"
#include "graftwork/base/saturating.h"
#include "graftwork/ir/peak_memory.h"
#include "graftwork/nn/allowed_operators.h"
#include "graftwork/nn/dtypes.h"
#include "graftwork/nn/meta_kernels.h"
#include "graftwork/nn/operator_call.h"
#include "graftwork/nn/operator_cost.h"
#include "graftwork/nn/torch_failure.h"

namespace graftwork::core {
namespace {

std::vector<int64_t> extents(const TensorType& type) {
  std::vector<int64_t> result;
  for (const Dim& dim : type.dims) result.push_back(dim.value());
  return result;
}

/// Dropout that does not drop. No operator that may is folded.
bool is_idle_dropout(const std::string& op, const AttrMap& attrs) {
  if (op != "aten.dropout.default" && op != "aten.alpha_dropout.default" && op != "aten.feature_dropout.default")
    return false;
  const Attribute* train = attrs.find("train");
  return train && *train == Attribute(false);
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
  int64_t known = 1;
  for (const int64_t extent : shape) {
    if (extent != -1 && __builtin_mul_overflow(known, extent, &known)) return std::nullopt;
  }
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
        name == "aten.contiguous.default" || name == "aten.lift_fresh_copy.default" || is_idle_dropout(name, attrs)) {
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

int64_t bytes_to_evaluate(const ParamExpr& expr) {
  using Op = ParamExpr::Op;
  int64_t total =
      expr.op() == Op::kLeaf || expr.op() == Op::kPermute || expr.op() == Op::kSlice ? 0 : bytes_of(expr.type());
  for (const ParamExpr& operand : expr.operands()) {
    total = saturating_sum(total, bytes_to_evaluate(operand));
  }
  return total;
}

bool FoldingBudget::spend(int64_t bytes, int64_t steps, int64_t kept) {
  if (bytes > kPerOperator || bytes > left_ || kept > kept_left_ || steps > steps_left_) return false;
  left_ -= bytes;
  kept_left_ -= kept;
  steps_left_ -= steps;
  return true;
}

namespace {

/// The tensors of a result; nothing when there is anything else in it.
std::optional<std::vector<at::Tensor>> tensors_of(const c10::IValue& result) {
  std::vector<at::Tensor> tensors;
  for (const c10::IValue& element : results_in(result)) {
    if (!element.isTensor()) return std::nullopt;
    tensors.push_back(element.toTensor());
  }
  return tensors;
}

int64_t total_bytes(const std::vector<at::Tensor>& tensors) {
  int64_t total = 0;
  for (const at::Tensor& tensor : tensors) total = saturating_sum(total, bytes_of(tensor));
  return total;
}

/// An operator on constants that may run now.
struct Affordable {
  OperatorCall call;
  std::vector<at::Tensor> results;  ///< On the device "meta": shapes and types.
};

/// Nothing when it is not allowed, torch finds its shapes wrong, or it costs too much.
std::optional<Affordable> afford(Symbol op, const std::vector<ParamExpr>& operands, const AttrMap& attrs,
                                 FoldingBudget& budget) {
  if (!is_allowed(op)) return std::nullopt;
  provide_meta_kernels();
  Affordable made{OperatorCall(op, attrs, operands.size()), {}};
  std::vector<at::Tensor> touched;
  for (const ParamExpr& operand : operands) {
    const auto options = at::TensorOptions(to_torch(operand.type().dtype)).device(at::kMeta);
    touched.push_back(at::empty(extents(operand.type()), options));
  }
  const std::vector<c10::IValue> shapes(touched.begin(), touched.end());
  const torch::jit::Stack arguments = made.call.arguments(pointers_to(shapes), at::kMeta);
  const auto results = tensors_of(made.call.run(pointers_to(shapes), at::kMeta));
  if (!results) return std::nullopt;
  made.results = *results;
  touched.insert(touched.end(), results->begin(), results->end());
  const OperatorCost cost = cost_of(op, arguments, made.results);
  if (!budget.spend(saturating_sum(total_bytes(touched), cost.scratch), cost.steps)) return std::nullopt;
  return made;
}

}  // namespace

std::optional<std::vector<at::Tensor>> run_constant(Symbol op, const std::vector<ParamExpr>& operands,
                                                    const AttrMap& attrs, const TensorStore& tensors,
                                                    FoldingBudget& budget) {
  const at::NoGradGuard no_grad;
  try {
    const auto affordable = afford(op, operands, attrs, budget);
    if (!affordable) return std::nullopt;
    int64_t on_the_way = 0;
    for (const ParamExpr& operand : operands) {
      if (__builtin_add_overflow(on_the_way, bytes_to_evaluate(operand), &on_the_way)) return std::nullopt;
    }
    if (!budget.spend(on_the_way, 0, total_bytes(affordable->results))) return std::nullopt;
    std::vector<c10::IValue> values;
    for (const ParamExpr& operand : operands) values.emplace_back(evaluate(operand, tensors));
    if (!check_arguments(op, affordable->call.arguments(pointers_to(values), at::kCPU))) return std::nullopt;
    return tensors_of(affordable->call.run(pointers_to(values), at::kCPU));
  } catch (...) {
    reason_of_failure();
    return std::nullopt;  // it will be reported where it runs
  }
}

std::optional<std::vector<ParamExpr>> compute_when_asked(Symbol op, const std::vector<ParamExpr>& operands,
                                                         const AttrMap& attrs, FoldingBudget& budget) {
  constexpr int64_t kSmall = int64_t{1} << 20;
  constexpr int64_t kMostOnTheWay = 8 * FoldingBudget::kPerOperator;
  int64_t read = 0;
  for (const ParamExpr& operand : operands) read += operand.type().element_count();
  try {
    const auto affordable = afford(op, operands, attrs, budget);
    if (!affordable) return std::nullopt;
    std::vector<ParamExpr> made;
    for (const at::Tensor& result : affordable->results) {
      if (result.numel() > std::max(2 * read, kSmall)) return std::nullopt;
      made.push_back(ParamExpr::computed(op, operands, attrs, static_cast<int64_t>(made.size()), type_of(result)));
      if (bytes_to_evaluate(made.back()) > kMostOnTheWay) return std::nullopt;
    }
    return made;
  } catch (...) {
    reason_of_failure();
    return std::nullopt;
  }
}

std::optional<at::Tensor> filled_like(Symbol op, const AttrMap& attrs, const Type& type, FoldingBudget& budget) {
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
    const int64_t bytes = bytes_of(*tensor);
    if (!budget.spend(bytes, tensor->element_count(), bytes)) return std::nullopt;
    return at::full(extents(*tensor), value, at::TensorOptions(to_torch(tensor->dtype)));
  } catch (...) {
    reason_of_failure();
    return std::nullopt;  // too large to be made now, or of a value beyond its type
  }
}

}  // namespace graftwork::core
