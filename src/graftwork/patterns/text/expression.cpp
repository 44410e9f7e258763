#include "graftwork/patterns/text/expression.h"

#include <cmath>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/kind.h"

namespace graftwork::core::gpat {
namespace {

/// What an expression comes to. A dimension may be symbolic; a tensor stands for its dimensions.
struct Value {
  enum class Form : uint8_t { kUnknown, kAttribute, kDim, kTensor, kNode };
  Form form = Form::kUnknown;
  Attribute attribute;
  Dim dim;
  TensorType tensor;
  bool with_dtype = false;
  const Node* node = nullptr;

  static Value of(Attribute value) { return {Form::kAttribute, std::move(value), {}, {}, false, nullptr}; }
  static Value of(const Dim& value) {
    if (value.is_static()) return of(Attribute(value.value()));
    return {Form::kDim, {}, value, {}, false, nullptr};
  }
};

Truth truth(bool value) { return value ? Truth::kTrue : Truth::kFalse; }
Truth negated(Truth value) { return value == Truth::kUnknown ? value : truth(value == Truth::kFalse); }

/// A number as a dimension, so that sizes and constants compare alike.
std::optional<Dim> as_dim(const Value& value) {
  if (value.form == Value::Form::kDim) return value.dim;
  const int64_t* whole = value.attribute.get<int64_t>();
  return value.form == Value::Form::kAttribute && whole ? std::optional(Dim(*whole)) : std::nullopt;
}

std::optional<double> as_number(const Value& value) {
  if (value.form != Value::Form::kAttribute) return std::nullopt;
  if (const double* real = value.attribute.get<double>()) return *real;
  const int64_t* whole = value.attribute.get<int64_t>();
  return whole ? std::optional(static_cast<double>(*whole)) : std::nullopt;
}

std::optional<std::vector<Dim>> as_dims(const Value& value) {
  if (value.form == Value::Form::kTensor && !value.with_dtype) return value.tensor.dims;
  if (value.form != Value::Form::kAttribute) return std::nullopt;
  if (const auto* numbers = value.attribute.get<std::vector<int64_t>>()) {
    return std::vector<Dim>(numbers->begin(), numbers->end());
  }
  return std::nullopt;
}

/// a − b, where that is certain.
std::optional<int64_t> difference_of(const Dim& a, const Dim& b) { return (a + b * Dim(-1)).maybe_value(); }

Truth equal(const Dim& a, const Dim& b) {
  const auto difference = difference_of(a, b);
  return difference ? truth(*difference == 0) : Truth::kUnknown;
}

Truth equal(const std::vector<Dim>& a, const std::vector<Dim>& b) {
  if (a.size() != b.size()) return Truth::kFalse;
  Truth result = Truth::kTrue;
  for (size_t i = 0; i < a.size(); ++i) {
    const Truth one = equal(a[i], b[i]);
    if (one == Truth::kFalse) return one;
    if (one == Truth::kUnknown) result = one;
  }
  return result;
}

Truth equal(const Value& a, const Value& b) {
  using Form = Value::Form;
  if (a.form == Form::kUnknown || b.form == Form::kUnknown) return Truth::kUnknown;
  if (a.form == Form::kNode || b.form == Form::kNode) return truth(a.form == b.form && a.node == b.node);
  if (const auto x = as_dim(a), y = as_dim(b); x && y) return equal(*x, *y);
  if (const auto x = as_number(a), y = as_number(b); x && y) return truth(*x == *y);
  if (a.form == Form::kTensor && b.form == Form::kTensor) {
    if (a.with_dtype != b.with_dtype) return Truth::kUnknown;
    if (a.with_dtype && a.tensor.dtype != b.tensor.dtype) return Truth::kFalse;
    return equal(a.tensor.dims, b.tensor.dims);
  }
  if (const auto x = as_dims(a), y = as_dims(b); x && y) return equal(*x, *y);
  if (a.form == Form::kAttribute && b.form == Form::kAttribute) return truth(a.attribute == b.attribute);
  return Truth::kUnknown;
}

Truth less(const Value& a, const Value& b) {
  if (const auto x = as_dim(a), y = as_dim(b); x && y) {
    const auto difference = difference_of(*x, *y);
    return difference ? truth(*difference < 0) : Truth::kUnknown;
  }
  const auto x = as_number(a), y = as_number(b);
  return x && y ? truth(*x < *y) : Truth::kUnknown;
}

/// Division and remainder round down, as sizes do.
Value divide(const Dim& a, int64_t divisor, bool remainder) {
  if (divisor <= 0) return {};
  if (!remainder) return Value::of(a.floor_div(divisor));
  return Value::of(a + a.floor_div(divisor) * Dim(-divisor));
}

Value arithmetic(const std::string& op, const Value& a, const Value& b) {
  const auto x = as_dim(a), y = as_dim(b);
  if (x && y) {
    if (op == "+") return Value::of(*x + *y);
    if (op == "-") return Value::of(*x + *y * Dim(-1));
    if (op == "*") return Value::of(*x * *y);
    if (!y->is_static()) return {};
    return divide(*x, y->value(), op == "%");
  }
  const auto p = as_number(a), q = as_number(b);
  if (!p || !q) return {};
  if (op == "+") return Value::of(Attribute(*p + *q));
  if (op == "-") return Value::of(Attribute(*p - *q));
  if (op == "*") return Value::of(Attribute(*p * *q));
  return Value::of(Attribute(op == "/" ? *p / *q : std::fmod(*p, *q)));
}

bool is_arithmetic(const std::string& op) { return op == "+" || op == "-" || op == "*" || op == "/" || op == "%"; }

Value evaluate(const Expr& expr, const Scope& scope);

Value property_of(const Expr& expr, const Scope& scope) {
  const Node* node = scope.value(expr.capture);
  const Node* part = scope.part(expr.capture);
  if (!node) return {};
  const TensorType* tensor = node->tensor();
  switch (expr.property) {
    case Property::kValue:
      return {Value::Form::kNode, {}, {}, {}, false, node};
    case Property::kRank:
      return tensor ? Value::of(Attribute(static_cast<int64_t>(tensor->rank()))) : Value();
    case Property::kShape:
    case Property::kType:
      if (!tensor) return {};
      return {Value::Form::kTensor, {}, {}, *tensor, expr.property == Property::kType, nullptr};
    case Property::kDtype:
      return tensor ? Value::of(Attribute(tensor->dtype)) : Value();
    case Property::kUsers:
      return Value::of(Attribute(static_cast<int64_t>(node->use_count())));
    case Property::kOp:
      return part ? Value::of(Attribute(part->op().str())) : Value();
    case Property::kModule:
      if (!part || part->kind() != NodeKind::kCallModule) return {};
      return Value::of(Attribute(scope.module.record(*part).path.str()));
    case Property::kNamed: {
      if (!part) return {};
      const bool is_module = part->kind() == NodeKind::kCallModule;
      const Attribute* found = is_module
                                   ? attribute_of(scope.module.record(*part), expr.name, scope.module.modules().kinds())
                                   : part->attrs().find(expr.name);
      return Value::of(found ? *found : Attribute());
    }
  }
  return {};
}

Value element_of(const Expr& expr, const Scope& scope) {
  const Value list = evaluate(expr.operands[0], scope);
  const int64_t* index = expr.literal.get<int64_t>();
  const auto at = [&](size_t size) -> std::optional<size_t> {
    const int64_t from_start = *index < 0 ? *index + static_cast<int64_t>(size) : *index;
    if (from_start < 0 || from_start >= static_cast<int64_t>(size)) return std::nullopt;
    return static_cast<size_t>(from_start);
  };
  if (const auto dims = as_dims(list)) {
    const auto i = at(dims->size());
    return i ? Value::of((*dims)[*i]) : Value();
  }
  const auto* elements = list.attribute.get<Attribute::List>();
  if (list.form != Value::Form::kAttribute || !elements) return {};
  const auto i = at(elements->size());
  return i ? Value::of((*elements)[*i]) : Value();
}

/// A list is a constant when its elements are, and dimensions when some are known at run time only.
Value list_of(const Expr& expr, const Scope& scope) {
  Attribute::List list;
  TensorType tensor;
  bool symbolic = false;
  for (const Expr& operand : expr.operands) {
    const Value value = evaluate(operand, scope);
    const auto dim = as_dim(value);
    if (!dim && (symbolic || value.form != Value::Form::kAttribute)) return {};
    symbolic |= value.form == Value::Form::kDim;
    if (dim) tensor.dims.push_back(*dim);
    if (value.form == Value::Form::kAttribute) list.push_back(value.attribute);
  }
  if (!symbolic) return Value::of(Attribute(std::move(list)));
  if (tensor.dims.size() != expr.operands.size()) return {};
  return {Value::Form::kTensor, {}, {}, std::move(tensor), false, nullptr};
}

Value evaluate(const Expr& expr, const Scope& scope) {
  switch (expr.form) {
    case Expr::Form::kLiteral:
      return Value::of(expr.literal);
    case Expr::Form::kProperty:
      return property_of(expr, scope);
    case Expr::Form::kIndex:
      return element_of(expr, scope);
    case Expr::Form::kList:
      return list_of(expr, scope);
    case Expr::Form::kBinary:
      if (is_arithmetic(expr.word)) {
        return arithmetic(expr.word, evaluate(expr.operands[0], scope), evaluate(expr.operands[1], scope));
      }
      [[fallthrough]];
    case Expr::Form::kNot: {
      const Truth result = decide(expr, scope);
      return result == Truth::kUnknown ? Value() : Value::of(Attribute(result == Truth::kTrue));
    }
    case Expr::Form::kCall:
      break;
  }
  return {};
}

Truth is_in(const Value& value, const Expr& list, const Scope& scope) {
  Truth result = Truth::kFalse;
  for (const Expr& element : list.operands) {
    const Truth one = equal(value, evaluate(element, scope));
    if (one == Truth::kTrue) return one;
    if (one == Truth::kUnknown) result = one;
  }
  return result;
}

Truth decide_binary(const Expr& expr, const Scope& scope) {
  const std::string& op = expr.word;
  if (op == "and" || op == "or") {
    const Truth decisive = truth(op == "or");
    const Truth first = decide(expr.operands[0], scope);
    if (first == decisive) return decisive;
    const Truth second = decide(expr.operands[1], scope);
    if (second == decisive) return decisive;
    return first == Truth::kUnknown || second == Truth::kUnknown ? Truth::kUnknown : negated(decisive);
  }
  const Value a = evaluate(expr.operands[0], scope);
  if (op == "in") return is_in(a, expr.operands[1], scope);
  const Value b = evaluate(expr.operands[1], scope);
  if (op == "==") return equal(a, b);
  if (op == "!=") return negated(equal(a, b));
  if (op == "<") return less(a, b);
  if (op == ">") return less(b, a);
  if (op == "<=") return negated(less(b, a));
  return negated(less(a, b));
}

[[noreturn]] void refuse(const std::string& what) { throw Error("pattern.value", what); }

std::vector<int64_t> numbers_of(const Expr& expr, const Scope& scope) {
  const Attribute value = constant_value(expr, scope);
  const auto* numbers = value.get<std::vector<int64_t>>();
  if (!numbers) refuse(cat(expr.text(), " is ", value.text(), ", no list of integers"));
  return *numbers;
}

int64_t number_of(const Expr& expr, const Scope& scope) {
  const Attribute value = constant_value(expr, scope);
  if (!value.get<int64_t>()) refuse(cat(expr.text(), " is ", value.text(), ", no integer"));
  return *value.get<int64_t>();
}

std::string binary_text(const Expr& expr) {
  const auto side = [](const Expr& operand) {
    const bool nested = operand.form == Expr::Form::kBinary;
    return nested ? cat("(", operand.text(), ")") : operand.text();
  };
  if (expr.word == "and") return cat(expr.operands[0].text(), " and ", expr.operands[1].text());
  const bool compares = !is_arithmetic(expr.word) && expr.word != "or";
  // Arithmetic binds tighter than a comparison, which needs no parentheses then.
  const auto operand = [&](const Expr& one) {
    return compares && one.form == Expr::Form::kBinary && is_arithmetic(one.word) ? one.text() : side(one);
  };
  return cat(operand(expr.operands[0]), " ", expr.word, " ", operand(expr.operands[1]));
}

}  // namespace

const Node* Scope::value(size_t capture) const {
  if (only) return only;
  const Pat& pat = captures[capture].value;
  return bound->has(pat) ? &(*bound)[pat] : nullptr;
}

const Node* Scope::part(size_t capture) const {
  if (only) return only;
  const Pat& pat = captures[capture].part;
  return bound->has(pat) ? &(*bound)[pat] : nullptr;
}

Truth decide(const Expr& condition, const Scope& scope) {
  if (condition.form == Expr::Form::kNot) return negated(decide(condition.operands[0], scope));
  if (condition.form == Expr::Form::kBinary && !is_arithmetic(condition.word)) {
    try {
      return decide_binary(condition, scope);
    } catch (const Error&) {  // a size beyond 64 bits
      return Truth::kUnknown;
    }
  }
  const Value value = evaluate(condition, scope);
  const bool* flag = value.attribute.get<bool>();
  return value.form == Value::Form::kAttribute && flag ? truth(*flag) : Truth::kUnknown;
}

Attribute constant_value(const Expr& expr, const Scope& scope) {
  const Value value = evaluate(expr, scope);
  if (value.form == Value::Form::kAttribute) return value.attribute;
  if (value.form == Value::Form::kTensor && !value.with_dtype && value.tensor.is_static()) {
    std::vector<int64_t> numbers;
    for (const Dim& dim : value.tensor.dims) numbers.push_back(dim.value());
    return Attribute(std::move(numbers));
  }
  if (value.form == Value::Form::kDim) refuse(cat(expr.text(), " is ", value.dim.text(), ", known at run time only"));
  refuse(cat(expr.text(), " is not known"));
}

std::optional<Attribute> known_value(const Expr& expr) {
  const GraphModule nothing;
  try {
    return constant_value(expr, {nothing, {}, nullptr, nullptr});
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::optional<ParamExpr> parameter_value(const Expr& expr, const Scope& scope) {
  if (expr.form == Expr::Form::kProperty) {
    const Node* part = scope.part(expr.capture);
    if (!part) return std::nullopt;
    if (expr.property == Property::kValue) return part->constant();
    if (part->kind() != NodeKind::kCallModule) refuse(cat("%", expr.word, " has no parameters"));
    const ParamExpr* found = scope.module.record(*part).param(expr.name);
    return found ? std::optional(*found) : std::nullopt;
  }
  if (expr.form != Expr::Form::kCall) return std::nullopt;
  if (expr.word == "concat") {
    std::vector<ParamExpr> parts;
    for (const Expr& operand : expr.operands[0].operands) {
      std::optional<ParamExpr> part = parameter_value(operand, scope);
      if (!part) return std::nullopt;
      parts.push_back(*std::move(part));
    }
    return ParamExpr::concat(parts, number_of(expr.operands[1], scope));
  }
  const std::optional<ParamExpr> first = parameter_value(expr.operands[0], scope);
  if (!first) return std::nullopt;
  if (expr.word == "view") return first->view(numbers_of(expr.operands[1], scope));
  if (expr.word == "permute") return first->permute(numbers_of(expr.operands[1], scope));
  if (expr.word == "slice") {
    return first->slice(number_of(expr.operands[1], scope), number_of(expr.operands[2], scope),
                        number_of(expr.operands[3], scope));
  }
  const std::optional<ParamExpr> second = parameter_value(expr.operands[1], scope);
  return second ? std::optional(first->multiply(*second)) : std::nullopt;
}

std::string shown_value(const Expr& expr, const Scope& scope) {
  const Value value = evaluate(expr, scope);
  switch (value.form) {
    case Value::Form::kAttribute:
      return value.attribute.get<std::string>() ? *value.attribute.get<std::string>() : value.attribute.text();
    case Value::Form::kDim:
      return value.dim.text();
    case Value::Form::kTensor:
      return value.tensor.text();
    case Value::Form::kNode:
      return "%" + value.node->name().str();
    case Value::Form::kUnknown:
      break;
  }
  return "?";
}

bool is_constant(const Expr& expr) {
  if (expr.form == Expr::Form::kProperty || expr.form == Expr::Form::kCall) return false;
  return std::all_of(expr.operands.begin(), expr.operands.end(), is_constant);
}

std::string Expr::text() const {
  std::vector<std::string> parts;
  switch (form) {
    case Form::kLiteral:
      return literal.text();
    case Form::kProperty:
      if (word.empty()) return path;
      return cat("%", word, path.empty() ? "" : ".", path);
    case Form::kIndex:
      return cat(operands[0].text(), "[", literal.text(), "]");
    case Form::kNot:
      return cat("not ", operands[0].form == Form::kBinary ? "(" + operands[0].text() + ")" : operands[0].text());
    case Form::kBinary:
      return binary_text(*this);
    case Form::kList:
    case Form::kCall:
      for (const Expr& operand : operands) parts.push_back(operand.text());
      return form == Form::kList ? cat("[", join(parts), "]") : cat(word, "(", join(parts), ")");
  }
  return {};
}

}  // namespace graftwork::core::gpat
