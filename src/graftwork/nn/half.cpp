#include "graftwork/nn/half.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

#include "graftwork/ir/operator_name.h"

namespace graftwork::core {

at::Tensor rounded_to_half(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kFloat ? tensor.to(at::kHalf).to(at::kFloat) : tensor;
}

c10::IValue rounded_to_half(const c10::IValue& value) {
  if (value.isTensor()) return rounded_to_half(value.toTensor());
  if (!value.isTuple()) return value;
  std::vector<c10::IValue> elements;
  for (const c10::IValue& element : value.toTupleRef().elements()) elements.push_back(rounded_to_half(element));
  return c10::ivalue::Tuple::create(std::move(elements));
}

at::Tensor constant_in_half(const at::Tensor& tensor) {
  if (tensor.scalar_type() != at::kFloat) return tensor;
  const at::Tensor half = rounded_to_half(tensor);
  const at::Tensor lost = at::logical_and(at::isinf(half), at::isfinite(tensor));
  return at::where(lost, tensor.clamp(-kLargestHalf, kLargestHalf), half);
}

bool is_float_number(Symbol attribute) {
  constexpr std::array<std::string_view, 10> kNames{"other", "value",   "min",        "max",      "min_val",
                                                    "alpha", "max_val", "fill_value", "exponent", "beta"};
  return std::find(kNames.begin(), kNames.end(), attribute.str()) != kNames.end();
}

std::optional<double> number_in(const Attribute& attribute) {
  if (const double* real = attribute.get<double>()) return *real;
  if (const int64_t* whole = attribute.get<int64_t>()) return static_cast<double>(*whole);
  return std::nullopt;
}

AttrMap constants_in_half(const AttrMap& attrs) {
  AttrMap rounded = attrs;
  for (const auto& [name, attribute] : attrs) {
    const double* number = is_float_number(name) ? attribute.get<double>() : nullptr;
    if (!number || std::isinf(*number)) continue;
    const auto bounded = static_cast<float>(std::clamp(*number, -kLargestHalf, kLargestHalf));
    rounded.set(name, static_cast<double>(static_cast<float>(c10::Half(bounded))));
  }
  return rounded;
}

bool is_clamp(const Node& node) {
  const std::string_view name = operator_name(node.op());
  return node.kind() == NodeKind::kCallFunction && (name.starts_with("clamp") || name == "hardtanh");
}

double half_quality(const at::Tensor& exact, const at::Tensor& value) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  constexpr int64_t kBlock = int64_t{1} << 20;  // of a large weight no copies in double precision
  const at::Tensor all_wanted = exact.flatten(), all_got = value.flatten();
  double signal = 0, noise = 0;
  for (int64_t begin = 0; begin < all_wanted.numel(); begin += kBlock) {
    const int64_t end = std::min(begin + kBlock, all_wanted.numel());
    const at::Tensor wanted = all_wanted.slice(0, begin, end).to(at::kDouble);
    const at::Tensor got = all_got.slice(0, begin, end).to(at::kDouble);
    const at::Tensor finite = at::isfinite(wanted);
    if (at::logical_and(finite, at::isfinite(got).logical_not()).any().item<bool>()) return -kInfinite;
    const at::Tensor zeros = at::zeros_like(wanted);
    noise += at::where(finite, got - wanted, zeros).square_().sum().item<double>();
    signal += at::where(finite, wanted, zeros).square_().sum().item<double>();
  }
  return noise == 0 ? kInfinite : 10 * std::log10(signal / noise);
}

}  // namespace graftwork::core
