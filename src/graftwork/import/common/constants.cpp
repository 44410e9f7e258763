#include "graftwork/import/common/constants.h"

#include <cmath>

#include "graftwork/base/text.h"
#include "graftwork/import/common/idle_masks.h"
#include "graftwork/import/common/rotations.h"

namespace graftwork::core {

namespace {

/// Training changes numbers by numbers: what is infinite stays so, and what is none.
bool asks_for_infinity(Symbol op, const AttrMap& attrs) {
  const Attribute* other = op == Symbol("aten.eq.Scalar") ? attrs.find("other") : nullptr;
  const double* number = other ? other->get<double>() : nullptr;
  return number && std::isinf(*number);
}

}  // namespace

std::optional<std::vector<Constant>> Constants::fold(Symbol op, const std::vector<const Constant*>& operands,
                                                     const AttrMap& attrs, const std::vector<std::string>& results) {
  std::vector<ParamExpr> values;
  bool trainable = false;
  for (const Constant* operand : operands) {
    values.push_back(operand->value);
    trainable |= operand->trainable;
  }
  if (const auto expr = as_expression(op, values, attrs)) return std::vector{Constant{*expr, trainable}};
  if (trainable && !asks_for_infinity(op, attrs)) {
    const auto computed = compute_when_asked(op, values, attrs, budget_);
    if (!computed || computed->size() < results.size()) return std::nullopt;
    std::vector<Constant> kept;
    for (size_t i = 0; i < results.size(); ++i) kept.push_back({(*computed)[i], true});
    return kept;
  }
  const auto tensors = run_constant(op, values, attrs, tensors_, budget_);
  if (!tensors || tensors->size() < results.size()) return std::nullopt;
  std::vector<Constant> made;
  for (size_t i = 0; i < results.size(); ++i) made.push_back(keep(results[i], (*tensors)[i]));
  return made;
}

std::optional<size_t> Constants::passed_on(Symbol op, const std::vector<const Constant*>& operands,
                                           const AttrMap& attrs) {
  std::vector<const ParamExpr*> known;
  for (const Constant* operand : operands) known.push_back(operand && !operand->trainable ? &operand->value : nullptr);
  return graftwork::core::passed_on(op, known, attrs, tensors_, budget_);
}

std::optional<double> Constants::only_number(const Constant& constant) {
  return constant.trainable ? std::nullopt : graftwork::core::only_number(constant.value, tensors_, budget_);
}

std::optional<int64_t> Constants::rotation_of(const Constant& index, int64_t extent) {
  return index.trainable ? std::nullopt : graftwork::core::rotation_of(index.value, extent, tensors_, budget_);
}

std::optional<Constant> Constants::filled(Symbol op, const AttrMap& attrs, const std::string& name, const Type& type) {
  const auto tensor = filled_like(op, attrs, type, budget_);
  return tensor ? std::optional(keep(name, *tensor)) : std::nullopt;
}

Constant Constants::keep(const std::string& name, const at::Tensor& tensor) {
  const Symbol leaf = cat("folded.", value_name(names_, name).str());
  tensors_.set(leaf, tensor.contiguous());
  return {.value = tensors_.leaf(leaf), .trainable = false};
}

Node& Constants::node(const Constant& constant) {
  Node*& node = nodes_[constant.value.text()];
  if (!node) {
    const std::vector<Symbol> leaves = constant.value.leaves();
    std::string name = leaves.empty() ? "constant" : leaves[0].str();
    for (char& c : name) c = c == '.' ? '_' : c;
    node = &module_.add_constant(value_name(names_, name), constant.value);
  }
  return *node;
}

}  // namespace graftwork::core
