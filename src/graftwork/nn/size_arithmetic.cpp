#include "graftwork/nn/size_arithmetic.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork {
namespace {

using Operands = std::vector<c10::IValue>;
using Function = c10::IValue (*)(const Operands&);

double real(const c10::IValue& value) {
  return value.isInt() ? static_cast<double>(value.toInt()) : value.isBool() ? value.toBool() : value.toDouble();
}
bool both_whole(const Operands& x) { return x[0].isInt() && x[1].isInt(); }

int64_t floor_div(int64_t a, int64_t b) {
  if (b == 0) throw Error("nn.size", "a size is divided by zero");
  return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
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
          return both_whole(x) ? c10::IValue(x[0].toInt() + x[1].toInt()) : c10::IValue(real(x[0]) + real(x[1]));
        }}},
      {"sym.sub",
       {2,
        [](const Operands& x) -> c10::IValue {
          return both_whole(x) ? c10::IValue(x[0].toInt() - x[1].toInt()) : c10::IValue(real(x[0]) - real(x[1]));
        }}},
      {"sym.mul",
       {2,
        [](const Operands& x) -> c10::IValue {
          return both_whole(x) ? c10::IValue(x[0].toInt() * x[1].toInt()) : c10::IValue(real(x[0]) * real(x[1]));
        }}},
      {"sym.floordiv",
       {2,
        [](const Operands& x) -> c10::IValue {
          return both_whole(x) ? c10::IValue(floor_div(x[0].toInt(), x[1].toInt()))
                               : c10::IValue(std::floor(real(x[0]) / real(x[1])));
        }}},
      {"sym.truediv", {2, [](const Operands& x) -> c10::IValue { return real(x[0]) / real(x[1]); }}},
      {"sym.mod",
       {2,
        [](const Operands& x) -> c10::IValue {
          return x[0].toInt() - floor_div(x[0].toInt(), x[1].toInt()) * x[1].toInt();
        }}},
      {"sym.pow",
       {2,
        [](const Operands& x) -> c10::IValue {
          const double p = std::pow(real(x[0]), real(x[1]));
          return both_whole(x) ? c10::IValue(static_cast<int64_t>(p)) : c10::IValue(p);
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
          return x[0].isInt() ? c10::IValue(-x[0].toInt()) : c10::IValue(-real(x[0]));
        }}},
      {"sym.float", {1, [](const Operands& x) -> c10::IValue { return real(x[0]); }}},
      {"sym.int", {1, [](const Operands& x) -> c10::IValue { return static_cast<int64_t>(real(x[0])); }}},
      {"sym.trunc", {1, [](const Operands& x) -> c10::IValue { return static_cast<int64_t>(std::trunc(real(x[0]))); }}},
      {"sym.floor", {1, [](const Operands& x) -> c10::IValue { return static_cast<int64_t>(std::floor(real(x[0]))); }}},
      {"sym.ceil", {1, [](const Operands& x) -> c10::IValue { return static_cast<int64_t>(std::ceil(real(x[0]))); }}},
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

}  // namespace graftwork
