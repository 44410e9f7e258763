#include "graftwork/import/captured/decompose/decomposition.h"

#include <unordered_map>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core::captured {

const c10::IValue& Arguments::at(std::string_view name) const {
  const auto index = schema_.argumentIndexWithName(name);
  if (!index) leave_as_it_is(cat(schema_.name(), " has no argument ", name));
  return stack_.at(static_cast<size_t>(*index));
}

at::Tensor Arguments::optional_tensor(std::string_view name) const {
  const c10::IValue& value = at(name);
  return value.isTensor() ? value.toTensor() : at::Tensor();
}

namespace {

int64_t checked(std::string_view name, int64_t value) {
  constexpr int64_t kMost = int64_t{1} << 31;
  if (value < -kMost || value > kMost) leave_as_it_is(cat(name, " is ", value));
  return value;
}

}  // namespace

int64_t Arguments::bounded(std::string_view name) const { return checked(name, integer(name)); }

std::vector<int64_t> Arguments::bounded_list(std::string_view name) const {
  std::vector<int64_t> values = integers(name);
  for (const int64_t value : values) checked(name, value);
  return values;
}

int64_t Arguments::divisor(std::string_view name) const {
  const int64_t value = bounded(name);
  if (value < 1) leave_as_it_is(cat(name, " is ", value));
  return value;
}

std::vector<int64_t> Arguments::integers(std::string_view name) const {
  const c10::IValue& value = at(name);
  if (value.isNone()) return {};
  return value.isInt() ? std::vector<int64_t>{value.toInt()} : value.toIntVector();
}

std::optional<at::ScalarType> Arguments::dtype(std::string_view name) const {
  const c10::IValue& value = at(name);
  return value.isNone() ? std::nullopt : std::optional(value.toScalarType());
}

at::Tensor as_float(const at::Tensor& x) { return x.is_floating_point() ? x : x.to(at::kFloat); }

Decomposition find_decomposition(Symbol op) {
  static const std::unordered_map<Symbol, Decomposition> table = [] {
    std::unordered_map<Symbol, Decomposition> all;
    for (auto make : {arithmetic_decompositions, attention_decompositions, fused_layer_decompositions,
                      movement_decompositions, norm_decompositions, order_statistic_decompositions, pool_decompositions,
                      reduction_decompositions, scan_decompositions}) {
      for (const auto& [name, decomposition] : make()) all.emplace(name, decomposition);
    }
    return all;
  }();
  const auto found = table.find(op);
  return found == table.end() ? nullptr : found->second;
}

void leave_as_it_is(const std::string& why) { throw Error("pt2.decompose", why); }

}  // namespace graftwork::core::captured
