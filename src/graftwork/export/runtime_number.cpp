#include "graftwork/export/runtime_number.h"

#include <cmath>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

/// The number that an attribute refers to; null where it says one.
const Node* number_in(const Node& node, const Attribute& attr) {
  const InputRef* ref = attr.get<InputRef>();
  return ref && ref->slot < node.input_count() ? &node.input(ref->slot) : nullptr;
}

/// Numbers are computed one from the other in this many steps at most.
constexpr size_t kMostSteps = 256;

[[noreturn]] void refuse(const std::string& why) {
  throw Error("export.shape", why, "sizes that are whole numbers, or fixed when the network is exported");
}

bool is_whole(const Node& number) { return number.type().scalar() == ScalarType::kInt; }
bool is_whole(const Node& node, const Attribute& attr) {
  const Node* number = number_in(node, attr);
  return number ? is_whole(*number) : attr.get<int64_t>() != nullptr;
}

/// A size times a factor, or divided by one.
struct ScaledSize {
  const Attribute* size = nullptr;
  const Node* reader = nullptr;  // of the size
  double factor = 1;
  bool divides = false;

  double at(int64_t n) const { return divides ? static_cast<double>(n) / factor : static_cast<double>(n) * factor; }
};

enum class Rounding : uint8_t { kDown, kUp };

/// p / q, so that n · p / q, rounded, is what is computed for n in FP64.
struct Fraction {
  int64_t p, q;
  int64_t of(int64_t n, Rounding rounding) const { return (n * p + (rounding == Rounding::kUp ? q - 1 : 0)) / q; }
};

std::optional<Fraction> fraction(const ScaledSize& scaled, Rounding rounding) {
  constexpr int64_t kLargestDivisor = 1024, kLargestSize = int64_t{1} << 16;
  const auto holds = [&](const Fraction& one) {
    for (int64_t n = 0; n <= kLargestSize; ++n) {
      const double exact = rounding == Rounding::kUp ? std::ceil(scaled.at(n)) : std::floor(scaled.at(n));
      if (exact != static_cast<double>(one.of(n, rounding))) return false;
    }
    return true;
  };
  const double ratio = scaled.at(1);
  if (!(ratio > 0 && ratio < 1024)) return std::nullopt;
  for (int64_t q = 1; q <= kLargestDivisor; ++q) {
    const auto p = static_cast<int64_t>(std::llround(ratio * static_cast<double>(q)));
    if (static_cast<double>(p) / static_cast<double>(q) != ratio) continue;
    const Fraction found{p, q};
    return holds(found) ? std::optional(found) : std::nullopt;
  }
  return std::nullopt;
}

class Numbers {
 public:
  explicit Numbers(Lowering& lowering) : lowering_(lowering) {}

  /// INT64 where a whole number is wanted, else FP32.
  std::string operand(const Node& node, const Attribute& attr, bool wants_whole, size_t steps) {
    const std::string name = cat(node.name().str(), "_number");
    if (const Node* number = number_in(node, attr)) {
      const std::string value = made(*number, steps);
      if (wants_whole || !is_whole(*number)) return value;
      return lowering_.add("Cast", value + "_f32", {value}, {{"to", onnx::data_type(DType::kF32)}});
    }
    const int64_t* whole = attr.get<int64_t>();
    const double* real = attr.get<double>();
    if (whole && wants_whole) return lowering_.integers(name, {*whole});
    if (!whole && !real) refuse("a number of it is not known");
    return lowering_.constant(name, at::tensor({whole ? static_cast<double>(*whole) : *real}).to(at::kFloat));
  }

 private:
  std::string made(const Node& number, size_t steps) {
    if (lowering_.is_bound(number)) return lowering_.value(number);
    if (steps > kMostSteps) refuse(cat("a size of it is computed in more than ", kMostSteps, " steps"));
    std::string value = compute(number, steps + 1);
    lowering_.bind(number, value);
    return value;
  }

  std::string compute(const Node& node, size_t steps) {
    if (node.op() == Symbol("aten.sym_size.int")) {
      const Attribute* dim = node.attrs().find("dim");
      const TensorType* type = node.input(0).tensor();
      if (!dim || !dim->get<int64_t>() || !type) refuse("a size of it is not known");
      const int64_t axis = *dim->get<int64_t>(), rank = static_cast<int64_t>(type->rank());
      return lower_size(lowering_, node.input(0), static_cast<size_t>(axis < 0 ? axis + rank : axis));
    }
    std::vector<const Attribute*> operands;
    for (const auto& [name, attr] : node.attrs()) operands.push_back(&attr);
    const std::string op = node.op().str();
    if (operands.size() == 1) return of_one(node, op, *operands[0], steps);
    if (operands.size() == 2) return of_two(node, op, *operands[0], *operands[1], steps);
    refuse(cat("a size of it is computed by ", op));
  }

  std::string of_one(const Node& node, const std::string& op, const Attribute& x, size_t steps) {
    const bool whole = is_whole(node, x);
    if (op == "sym.neg") return lowering_.add("Neg", node.name().str(), {operand(node, x, whole, steps)});
    if (op == "sym.float") return operand(node, x, false, steps);
    const bool rounds = op == "sym.int" || op == "sym.trunc" || op == "sym.floor" || op == "sym.ceil";
    if (rounds && whole) return operand(node, x, true, steps);
    if (rounds) return rounded(node, x, op == "sym.ceil" ? Rounding::kUp : Rounding::kDown, steps);
    refuse(cat("a size of it is computed by ", op));
  }

  /// A size times 1.3, which FP32 does not have: in whole numbers.
  std::string rounded(const Node& node, const Attribute& x, Rounding rounding, size_t steps) {
    const std::optional<ScaledSize> scaled = scaled_size(node, x);
    const auto found = scaled ? fraction(*scaled, rounding) : std::nullopt;
    if (!found) refuse("a size of it is rounded from a fraction that files do not compute as torch does");
    const std::string name = node.name().str();
    std::string value = operand(*scaled->reader, *scaled->size, true, steps);
    if (found->p != 1) value = lowering_.add("Mul", name + "_times", {value, integer(name, found->p)});
    if (rounding == Rounding::kUp && found->q != 1)
      value = lowering_.add("Add", name + "_up", {value, integer(name, found->q - 1)});
    return found->q == 1 ? value : lowering_.add("Div", name, {value, integer(name, found->q)});
  }

  std::string integer(const std::string& name, int64_t number) {
    return lowering_.integers(name + "_number", {number});
  }

  static std::optional<ScaledSize> scaled_size(const Node& node, const Attribute& x) {
    const Node* product = number_in(node, x);
    const bool divides = product && product->op() == Symbol("sym.truediv");
    if (!product || !(divides || product->op() == Symbol("sym.mul"))) return std::nullopt;
    const Attribute* a = product->attrs().find("a");
    const Attribute* b = product->attrs().find("b");
    if (!a || !b) return std::nullopt;
    if (!divides && !number_in(*product, *a)) std::swap(a, b);
    const Node* size = number_in(*product, *a);
    const double* real = b->get<double>();
    const int64_t* whole = b->get<int64_t>();
    if (!size || (!real && !whole)) return std::nullopt;
    ScaledSize scaled{a, product, real ? *real : static_cast<double>(*whole), divides};
    if (size->op() == Symbol("sym.float") && size->attrs().size() == 1) {
      scaled.size = &size->attrs().begin()->second;
      scaled.reader = size;
    }
    if (!is_whole(*scaled.reader, *scaled.size)) return std::nullopt;
    return scaled;
  }

  std::string of_two(const Node& node, const std::string& op, const Attribute& a, const Attribute& b, size_t steps) {
    const bool whole = is_whole(node, a) && is_whole(node, b) && op != "sym.truediv";
    const auto both = [&] {
      return std::vector<std::string>{operand(node, a, whole, steps), operand(node, b, whole, steps)};
    };
    const std::string name = node.name().str();
    if (op == "sym.add") return lowering_.add("Add", name, both());
    if (op == "sym.sub") return lowering_.add("Sub", name, both());
    if (op == "sym.mul") return lowering_.add("Mul", name, both());
    if (op == "sym.truediv") return lowering_.add("Div", name, both());
    if (op == "sym.max") return lowering_.add("Max", name, both());
    if (op == "sym.min") return lowering_.add("Min", name, both());
    if (op == "sym.pow" && !whole) return lowering_.add("Pow", name, both());
    if (op == "sym.mod" && whole) return lowering_.add("Mod", name, both(), {{"fmod", int64_t{0}}});
    if (op == "sym.floordiv" && whole) {
      std::vector<std::string> operands = both();
      const Node* first = number_in(node, a);
      const bool rounds_down =
          first && first->op() == Symbol("aten.sym_size.int") && b.get<int64_t>() && *b.get<int64_t>() > 0;
      if (!rounds_down) {  // ONNX's Div rounds towards 0
        const std::string rest = lowering_.add("Mod", name + "_rest", operands, {{"fmod", int64_t{0}}});
        operands[0] = lowering_.add("Sub", name + "_multiple", {operands[0], rest});
      }
      return lowering_.add("Div", name, operands);
    }
    refuse(cat("a size of it is computed by ", op));
  }

  Lowering& lowering_;
};

}  // namespace

std::string lower_number(Lowering& lowering, const Node& node, const Attribute& attr) {
  return Numbers(lowering).operand(node, attr, is_whole(node, attr), 0);
}

bool is_whole_number(const Node& node, const Attribute& attr) { return is_whole(node, attr); }

std::vector<std::string> lower_numbers(Lowering& lowering, const Node& node, const Attribute& list) {
  std::vector<std::string> values;
  if (const auto* numbers = list.get<std::vector<int64_t>>()) {
    for (const int64_t number : *numbers) values.push_back(lower_number(lowering, node, Attribute(number)));
  } else if (const auto* elements = list.get<Attribute::List>()) {
    for (const Attribute& element : *elements) values.push_back(lower_number(lowering, node, element));
  } else {
    values.push_back(lower_number(lowering, node, list));
  }
  return values;
}

std::string lower_scalar(Lowering& lowering, const std::string& number) {
  return lowering.add("Squeeze", number + "_scalar", {number, lowering.integers(number + "_axis", {0})});
}

std::string lower_size(Lowering& lowering, const Node& node, size_t axis) {
  const TensorType* type = node.tensor();
  const std::string name = cat(node.name().str(), "_size_", axis);
  if (!type || axis >= type->rank() || !lowering.is_bound(node)) refuse("a size of it is not known");
  if (const auto extent = type->dims[axis].maybe_value()) return lowering.integers(name, {*extent});
  const auto at = static_cast<int64_t>(axis);
  return lowering.add("Shape", name, {lowering.value(node)}, {{"end", at + 1}, {"start", at}});
}

}  // namespace graftwork::core
