#include "graftwork/import/common/idle_masks.h"

#include "graftwork/ir/operator_name.h"

namespace graftwork::core {
namespace {

enum class Holds : uint8_t { kSome, kNone, kAll };

/// Undefined where looking at the value costs too much, or there is nothing to look at.
at::Tensor look_at(const ParamExpr& value, const TensorStore& tensors, FoldingBudget& budget) {
  if (!value.type().is_static()) return {};
  const int64_t count = value.type().element_count();
  if (count == 0 || count > FoldingBudget::kPerOperator / 8) return {};
  if (bytes_to_evaluate(value) > FoldingBudget::kPerOperator ||
      !budget.spend(bytes_to_evaluate(value) + count * 8, count))
    return {};
  return evaluate(value, tensors);
}

/// Of a tensor's elements that are set; kSome also where it is not known.
Holds holds(const ParamExpr* mask, const TensorStore& tensors, FoldingBudget& budget) {
  const at::Tensor value = mask ? look_at(*mask, tensors, budget) : at::Tensor();
  if (!value.defined()) return Holds::kSome;
  if (!value.any().item<bool>()) return Holds::kNone;
  return value.all().item<bool>() ? Holds::kAll : Holds::kSome;
}

}  // namespace

std::optional<size_t> passed_on(Symbol op, const std::vector<const ParamExpr*>& known, const AttrMap& attrs,
                                const TensorStore& tensors, FoldingBudget& budget) {
  const std::string_view name = operator_name(op);
  const auto is_bool = [&](size_t slot) { return known[slot] && known[slot]->type().dtype == DType::kBool; };
  if (op == Symbol("aten.masked_fill.Scalar") && known.size() == 2)
    return holds(known[1], tensors, budget) == Holds::kNone ? std::optional<size_t>(0) : std::nullopt;
  if (op == Symbol("aten.where.self") && known.size() == 3) {
    const Holds chosen = holds(known[0], tensors, budget);
    if (chosen == Holds::kAll) return 1;
    return chosen == Holds::kNone ? std::optional<size_t>(2) : std::nullopt;
  }
  if (known.size() != 2 || !attrs.empty()) return std::nullopt;
  const bool is_and = name == "logical_and" || name == "bitwise_and",
             is_or = name == "logical_or" || name == "bitwise_or";
  for (const size_t slot : {0, 1}) {
    if ((is_and || is_or) && is_bool(slot)) {
      if (holds(known[slot], tensors, budget) == (is_and ? Holds::kAll : Holds::kNone)) return 1 - slot;
    } else if (op == Symbol("aten.add.Tensor") && known[slot]) {
      if (holds(known[slot], tensors, budget) == Holds::kNone) return 1 - slot;
    }
  }
  return std::nullopt;
}

std::optional<double> only_number(const ParamExpr& value, const TensorStore& tensors, FoldingBudget& budget) {
  if (!is_floating(value.type().dtype)) return std::nullopt;
  const at::Tensor numbers = look_at(value, tensors, budget);
  if (!numbers.defined()) return std::nullopt;
  const at::Tensor first = numbers.flatten()[0];
  return at::eq(numbers, first).all().item<bool>() ? std::optional(first.item<double>()) : std::nullopt;
}

}  // namespace graftwork::core
