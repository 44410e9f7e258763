#include "graftwork/ir/param_expr.h"

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/bounds.h"
#include "graftwork/ir/text/print.h"

namespace graftwork::core {

struct ParamExpr::Data {
  Op op;
  Symbol name;
  std::vector<ParamExpr> operands;
  std::vector<int64_t> numbers;
  TensorType type;
  AttrMap attrs = {};
  /// Expressions above each other; whoever walks them (text, evaluation, the destructor) recurses.
  size_t depth = 1;
  /// Expressions that its text has, repeats counted.
  size_t size = 1;
};

namespace {

constexpr size_t kMaxDepth = 256;
constexpr size_t kMaxSize = 512;

[[noreturn]] void refuse(const std::string& what) { throw Error("ir.parameter", what); }

int64_t checked_axis(const TensorType& type, int64_t axis) {
  if (axis < 0 || axis >= static_cast<int64_t>(type.rank())) refuse(cat("axis ", axis, " is outside ", type.text()));
  return axis;
}

std::string list(const std::vector<int64_t>& numbers) {
  std::vector<std::string> parts;
  for (const int64_t number : numbers) parts.push_back(std::to_string(number));
  return "[" + join(parts) + "]";
}

}  // namespace

ParamExpr ParamExpr::make(Data data) {
  if (data.type.rank() > kMostDimensions)
    refuse(cat("a parameter has at most ", kMostDimensions, " dimensions, not ", data.type.rank()));
  for (const ParamExpr& operand : data.operands) {
    data.depth = std::max(data.depth, operand.data_->depth + 1);
    data.size += operand.data_->size;
  }
  if (data.depth > kMaxDepth) refuse(cat("a parameter expression is nested deeper than ", kMaxDepth, " levels"));
  return ParamExpr(std::make_shared<const Data>(std::move(data)));
}

ParamExpr ParamExpr::leaf(Symbol name, TensorType type) {
  if (!type.is_static()) refuse(cat("stored tensor ", name.str(), " has no fixed shape: ", type.text()));
  return make({Op::kLeaf, name, {}, {}, std::move(type)});
}

ParamExpr ParamExpr::view(std::vector<int64_t> shape) const {
  TensorType result{type().dtype, {shape.begin(), shape.end()}};
  const bool negative = std::any_of(shape.begin(), shape.end(), [](int64_t extent) { return extent < 0; });
  if (negative) refuse(cat("cannot view ", type().text(), " as ", result.text()));
  if (result == type()) return *this;
  if (op() == Op::kView) return operands()[0].view(std::move(shape));
  if (result.element_count() != type().element_count())
    refuse(cat("cannot view ", type().text(), " as ", result.text()));
  return make({Op::kView, {}, {*this}, std::move(shape), std::move(result)});
}

ParamExpr ParamExpr::permute(std::vector<int64_t> order) const {
  TensorType result{type().dtype, {}};
  std::vector<bool> seen(type().rank(), false);
  for (const int64_t axis : order) {
    if (seen[static_cast<size_t>(checked_axis(type(), axis))]) refuse(cat(list(order), " is no permutation"));
    seen[static_cast<size_t>(axis)] = true;
    result.dims.push_back(type().dims[static_cast<size_t>(axis)]);
  }
  if (order.size() != type().rank()) refuse(cat(list(order), " is no permutation of ", type().text()));
  if (std::is_sorted(order.begin(), order.end())) return *this;
  if (op() == Op::kPermute) {
    for (int64_t& axis : order) axis = numbers()[static_cast<size_t>(axis)];
    return operands()[0].permute(std::move(order));
  }
  return make({Op::kPermute, {}, {*this}, std::move(order), std::move(result)});
}

ParamExpr ParamExpr::slice(int64_t axis, int64_t start, int64_t end) const {
  TensorType result = type();
  Dim& dim = result.dims[static_cast<size_t>(checked_axis(result, axis))];
  if (start < 0 || start > end || end > dim.value())
    refuse(cat("slice ", start, ":", end, " is outside ", type().text()));
  dim = Dim(end - start);
  return make({Op::kSlice, {}, {*this}, {axis, start, end}, std::move(result)});
}

ParamExpr ParamExpr::concat(const std::vector<ParamExpr>& parts, int64_t axis) {
  if (parts.empty()) refuse("nothing to concatenate");
  TensorType result = parts[0].type();
  const auto at = static_cast<size_t>(checked_axis(result, axis));
  Dim extent(0);
  for (const ParamExpr& part : parts) {
    TensorType expected = part.type();
    if (expected.rank() != result.rank())
      refuse(cat("cannot concatenate ", result.text(), " and ", part.type().text()));
    extent = extent + expected.dims[at];
    expected.dims[at] = result.dims[at];
    if (expected != result) refuse(cat("cannot concatenate ", parts[0].type().text(), " and ", part.type().text()));
  }
  result.dims[at] = extent;
  return make({Op::kConcat, {}, parts, {axis}, std::move(result)});
}

ParamExpr ParamExpr::multiply(const ParamExpr& other) const {
  const auto dims = broadcast(type().dims, other.type().dims);
  if (!dims || type().dtype != other.type().dtype) {
    refuse(cat("cannot multiply ", type().text(), " by ", other.type().text()));
  }
  return make({Op::kMultiply, {}, {*this, other}, {}, {type().dtype, *dims}});
}

ParamExpr ParamExpr::computed(Symbol op, const std::vector<ParamExpr>& operands, AttrMap attrs, int64_t result,
                              TensorType type) {
  if (!type.is_static()) refuse(cat("the result of ", op.str(), " has no fixed shape: ", type.text()));
  Data data{Op::kOperator, op, operands, {result}, std::move(type), std::move(attrs)};
  ParamExpr made = make(std::move(data));
  // Operands that are read twice are written twice: Fibonacci's numbers are no sizes for a text.
  if (made.data_->size > kMaxSize) refuse(cat("a parameter is computed by more than ", kMaxSize, " expressions"));
  return made;
}

ParamExpr::Op ParamExpr::op() const { return data_->op; }
const TensorType& ParamExpr::type() const { return data_->type; }
const std::vector<ParamExpr>& ParamExpr::operands() const { return data_->operands; }
const std::vector<int64_t>& ParamExpr::numbers() const { return data_->numbers; }

Symbol ParamExpr::leaf_name() const {
  GRAFTWORK_ASSERT(op() == Op::kLeaf);
  return data_->name;
}

Symbol ParamExpr::operator_name() const {
  GRAFTWORK_ASSERT(op() == Op::kOperator);
  return data_->name;
}

const AttrMap& ParamExpr::attrs() const { return data_->attrs; }

std::vector<Symbol> ParamExpr::leaves() const {
  if (op() == Op::kLeaf) return {data_->name};
  std::vector<Symbol> names;
  for (const ParamExpr& operand : operands()) {
    const std::vector<Symbol> inner = operand.leaves();
    names.insert(names.end(), inner.begin(), inner.end());
  }
  return names;
}

namespace {

/// " {dim=1}[2]" for the third result.
std::string attributes_text(const AttrMap& attrs, int64_t result) {
  std::vector<std::string> entries;
  for (const auto& [name, value] : attrs) entries.push_back(cat(name.str(), "=", value.text()));
  const std::string text = entries.empty() ? "" : cat(" {", join(entries), "}");
  return result == 0 ? text : cat(text, "[", result, "]");
}

}  // namespace

std::string ParamExpr::text() const {
  std::vector<std::string> parts;
  for (const ParamExpr& operand : operands()) parts.push_back(operand.text());
  switch (op()) {
    case Op::kLeaf:
      return cat("@", print_name(data_->name), ": ", type().text());
    case Op::kView:
      return cat("view(", parts[0], ", ", list(numbers()), ")");
    case Op::kPermute:
      return cat("permute(", parts[0], ", ", list(numbers()), ")");
    case Op::kSlice:
      return cat("slice(", parts[0], ", ", numbers()[0], ", ", numbers()[1], ", ", numbers()[2], ")");
    case Op::kConcat:
      return cat("concat([", join(parts), "], ", numbers()[0], ")");
    case Op::kMultiply:
      return cat("multiply(", parts[0], ", ", parts[1], ")");
    case Op::kOperator:
      return cat(data_->name.str(), "(", join(parts), ")", attributes_text(attrs(), numbers()[0]), ": ", type().text());
  }
  return {};
}

bool operator==(const ParamExpr& a, const ParamExpr& b) {
  if (a.data_ == b.data_) return true;
  return a.op() == b.op() && a.data_->name == b.data_->name && a.numbers() == b.numbers() && a.type() == b.type() &&
         a.operands() == b.operands() && a.attrs() == b.attrs();
}

}  // namespace graftwork::core
