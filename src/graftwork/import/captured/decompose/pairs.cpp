#include "graftwork/import/captured/decompose/pairs.h"

#include <unordered_map>

#include "graftwork/ir/operator_name.h"

namespace graftwork::core::captured {

TensorMeta pairs_of(const TensorMeta& complex) {
  TensorMeta pairs = complex;
  pairs.dtype = {.known = complex.dtype.parts, .other = {}};
  pairs.sizes.emplace_back(2);
  for (Dim& stride : pairs.strides) stride = stride * Dim(2);
  if (pairs.strides.size() + 1 == pairs.sizes.size()) pairs.strides.emplace_back(1);
  return pairs;
}

TensorMeta complex_of(const TensorMeta& pairs) {
  TensorMeta complex = pairs;
  complex.dtype = {.known = {}, .other = "complex", .parts = pairs.dtype.known};
  complex.sizes.pop_back();
  complex.strides.clear();
  return complex;
}

at::Tensor real_part(const at::Tensor& pairs) { return at::select(pairs, -1, 0); }
at::Tensor imaginary_part(const at::Tensor& pairs) { return at::select(pairs, -1, 1); }
at::Tensor make_pairs(const at::Tensor& real, const at::Tensor& imaginary) { return at::stack({real, imaginary}, -1); }

Parts PairArguments::parts(const at::Tensor& tensor) const {
  if (!is_complex(tensor)) return {tensor, at::Tensor()};
  return {real_part(tensor), imaginary_part(tensor)};
}

at::Tensor PairArguments::pairs(const at::Tensor& tensor) const {
  if (is_complex(tensor)) return tensor;
  const at::Tensor real = tensor.is_floating_point() ? tensor : tensor.to(at::kFloat);
  return make_pairs(real, at::zeros_like(real));
}

namespace {

const std::unordered_map<std::string_view, PairForm>& forms() {
  static const std::unordered_map<std::string_view, PairForm> all = [] {
    std::unordered_map<std::string_view, PairForm> made;
    for (auto table : {pair_arithmetic, fourier_transforms}) {
      for (const auto& [name, form] : table()) made.emplace(name, form);
    }
    return made;
  }();
  return all;
}

}  // namespace

PairForm find_pair_form(Symbol op) {
  if (!op.str().starts_with("aten.")) return nullptr;
  const auto found = forms().find(operator_name(op));
  return found == forms().end() ? nullptr : found->second;
}

bool takes_real_numbers(Symbol op) {
  static const std::unordered_set<std::string_view> kNames{
      "angle", "conj", "_conj", "conj_physical", "real", "_neg_view", "resolve_conj", "resolve_neg", "stft"};
  if (!op.str().starts_with("aten.")) return false;
  const std::string_view name = operator_name(op);
  return kNames.contains(name) || (name.starts_with("fft_") && find_pair_form(op));
}

}  // namespace graftwork::core::captured
