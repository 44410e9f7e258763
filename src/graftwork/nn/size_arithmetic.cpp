#include "graftwork/nn/size_arithmetic.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

using Operands = std::vector<c10::IValue>;
using Function = c10::IValue (*)(const Operands&);

double real(const c10::IValue& value) {
  return value.isInt() ? static_cast<double>(value.toInt()) : value.isBool() ? value.toBool() : value.toDouble();
}
bool both_whole(const Operands& x) { return x[0].isInt() && x[1].isInt(); }

[[noreturn]] void refuse_overflow() { throw Error("nn.size", "a size does not fit 64 bits"); }

int64_t sum(int64_t a, int64_t b) {
  int64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) refuse_overflow();
  return result;
}

int64_t difference(int64_t a, int64_t b) {
  int64_t result = 0;
  if (__builtin_sub_overflow(a, b, &result)) refuse_overflow();
  return result;
}

int64_t product(int64_t a, int64_t b) {
  int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) refuse_overflow();
  return result;
}

int64_t floor_div(int64_t a, int64_t b) {
  if (b == 0) throw Error("nn.size", "a size is divided by zero");
  if (b == -1) return difference(0, a);  // the one quotient that may not fit
  return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}

/// Of the divisor's sign.
int64_t floor_mod(int64_t a, int64_t b) {
  if (b == 0) throw Error("nn.size", "a size is divided by zero");
  if (b == -1) return 0;
  const int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

int64_t whole(double value) {
  constexpr double kBeyond = 9223372036854775808.0;  // 2⁶³
  if (!(value >= -kBeyond && value < kBeyond)) refuse_overflow();
  return static_cast<int64_t>(value);
}

struct Entry {
  size_t operands;
  Function function;
};

const std::map<std::string, Entry>& table() {
  static const std::map<std::string, Entry> entries{
      {"sym.add",
       {2,
        [](const Operands& x) -> c10::IValue {
          return both_whole(x) ? c10::IValue(sum(x[0].toInt(), x[1].toInt())) : c10::IValue(real(x[0]) + real(x[1]));
        }}},
      {"sym.sub",
       {2,
        [](const Operands& x) -> c10::IValue {
          return both_whole(x) ? c10::IValue(difference(x[0].toInt(), x[1].toInt()))
                               : c10::IValue(real(x[0]) - real(x[1]));
        }}},
      {"sym.mul",
       {2,
        [](const Operands& x) -> c10::IValue {
          return both_whole(x) ? c10::IValue(product(x[0].toInt(), x[1].toInt()))
                               : c10::IValue(real(x[0]) * real(x[1]));
        }}},
      {"sym.floordiv",
       {2,
        [](const Operands& x) -> c10::IValue {
          return both_whole(x) ? c10::IValue(floor_div(x[0].toInt(), x[1].toInt()))
                               : c10::IValue(std::floor(real(x[0]) / real(x[1])));
        }}},
      {"sym.truediv", {2, [](const Operands& x) -> c10::IValue { return real(x[0]) / real(x[1]); }}},
      {"sym.mod", {2, [](const Operands& x) -> c10::IValue { return floor_mod(x[0].toInt(), x[1].toInt()); }}},
      {"sym.pow",
       {2,
        [](const Operands& x) -> c10::IValue {
          const double p = std::pow(real(x[0]), real(x[1]));
          return both_whole(x) ? c10::IValue(whole(p)) : c10::IValue(p);
        }}},
      {"sym.max", {2, [](const Operands& x) -> c10::IValue { return real(x[0]) >= real(x[1]) ? x[0] : x[1]; }}},
      {"sym.min", {2, [](const Operands& x) -> c10::IValue { return real(x[0]) <= real(x[1]) ? x[0] : x[1]; }}},
      {"sym.eq", {2, [](const Operands& x) -> c10::IValue { return real(x[0]) == real(x[1]); }}},
      {"sym.ne", {2, [](const Operands& x) -> c10::IValue { return real(x[0]) != real(x[1]); }}},
      {"sym.lt", {2, [](const Operands& x) -> c10::IValue { return real(x[0]) < real(x[1]); }}},
      {"sym.le", {2, [](const Operands& x) -> c10::IValue { return real(x[0]) <= real(x[1]); }}},
      {"sym.gt", {2, [](const Operands& x) -> c10::IValue { return real(x[0]) > real(x[1]); }}},
      {"sym.ge", {2, [](const Operands& x) -> c10::IValue { return real(x[0]) >= real(x[1]); }}},
      {"sym.and_", {2, [](const Operands& x) -> c10::IValue { return real(x[0]) != 0 && real(x[1]) != 0; }}},
      {"sym.or_", {2, [](const Operands& x) -> c10::IValue { return real(x[0]) != 0 || real(x[1]) != 0; }}},
      {"sym.not", {1, [](const Operands& x) -> c10::IValue { return real(x[0]) == 0; }}},
      {"sym.neg",
       {1,
        [](const Operands& x) -> c10::IValue {
          return x[0].isInt() ? c10::IValue(difference(0, x[0].toInt())) : c10::IValue(-real(x[0]));
        }}},
      {"sym.float", {1, [](const Operands& x) -> c10::IValue { return real(x[0]); }}},
      {"sym.int", {1, [](const Operands& x) -> c10::IValue { return whole(real(x[0])); }}},
      {"sym.trunc", {1, [](const Operands& x) -> c10::IValue { return whole(std::trunc(real(x[0]))); }}},
      {"sym.floor", {1, [](const Operands& x) -> c10::IValue { return whole(std::floor(real(x[0]))); }}},
      {"sym.ceil", {1, [](const Operands& x) -> c10::IValue { return whole(std::ceil(real(x[0]))); }}},
  };
  return entries;
}

}  // namespace

bool is_size_operator(Symbol op) { return table().contains(op.str()); }

c10::IValue run_size_operator(Symbol op, const std::vector<c10::IValue>& operands) {
  const auto found = table().find(op.str());
  if (found == table().end()) throw Error("nn.size", "there is no operator " + op.str() + " on sizes");
  const bool numbers = std::all_of(operands.begin(), operands.end(),
                                   [](const c10::IValue& x) { return x.isInt() || x.isDouble() || x.isBool(); });
  if (operands.size() != found->second.operands || !numbers)
    throw Error("nn.size", cat(op.str(), " on operands that do not fit"));
  return found->second.function(operands);
}

}  // namespace graftwork::core
