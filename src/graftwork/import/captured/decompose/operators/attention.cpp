#include "graftwork/import/captured/decompose/operators/attention.h"

#include <cmath>
#include <limits>

#include "graftwork/import/captured/decompose/decomposition.h"

namespace graftwork::core::captured {
namespace {

/// What a mask, true or 0 where a key is seen, makes of the scores; and the queries that see no key.
struct Masked {
  at::Tensor scores;
  at::Tensor blind;  ///< [..., queries, 1], bool.
};

/// A blind query sees every key here, so that no softmax is NaN; its result is overwritten.
Masked apply_mask(const at::Tensor& scores, const at::Tensor& mask) {
  constexpr double kNever = -std::numeric_limits<double>::infinity();
  if (mask.scalar_type() == at::kBool) {
    const at::Tensor sees = at::any(mask, -1, /*keepdim=*/true);
    return {at::masked_fill(scores, at::logical_and(at::logical_not(mask), sees), kNever), at::logical_not(sees)};
  }
  const at::Tensor blind = at::eq(at::amax(mask, {-1}, /*keepdim=*/true), kNever);
  return {at::add(scores, at::masked_fill(mask, blind, 0)), blind};
}

/// Source: torch.nn.functional.scaled_dot_product_attention.
std::vector<at::Tensor> attention(const Arguments& args) {
  const at::Tensor& query = args.tensor("query");
  at::Tensor key = args.tensor("key"), value = args.tensor("value");
  if (args.number("dropout_p").toDouble() > 0) return stays("it drops at random");
  if (args.flag("enable_gqa") && key.size(-3) != query.size(-3)) {
    if (key.size(-3) == 0 || value.size(-3) == 0) return stays("it has no keys");
    key = at::repeat_interleave(key, query.size(-3) / key.size(-3), -3);
    value = at::repeat_interleave(value, query.size(-3) / value.size(-3), -3);
  }
  at::Tensor scores =
      args.is_given("scale") ? scaled_scores(query, key, args.number("scale").toDouble()) : scaled_scores(query, key);
  if (args.flag("is_causal")) {
    constexpr double kNever = -std::numeric_limits<double>::infinity();
    const at::Tensor allowed = at::tril(at::ones({query.size(-2), key.size(-2)}, query.options().dtype(at::kBool)), 0);
    scores = at::masked_fill(scores, at::logical_not(allowed), kNever);
  }
  return {attended_values(scores, value, args.optional_tensor("attn_mask"))};
}

}  // namespace

at::Tensor scaled_scores(const at::Tensor& query, const at::Tensor& key, std::optional<double> scale) {
  const double by_size = 1 / std::sqrt(static_cast<double>(query.size(-1)));
  return at::mul(at::matmul(query, at::transpose(key, -2, -1)), scale.value_or(by_size));
}

at::Tensor attended_values(const at::Tensor& scores, const at::Tensor& value, const at::Tensor& mask) {
  if (!mask.defined()) return at::matmul(at::softmax(scores, -1), value);
  const Masked masked = apply_mask(scores, mask);
  return at::masked_fill(at::matmul(at::softmax(masked.scores, -1), value), masked.blind, 0);
}

at::Tensor attention_weights(const at::Tensor& scores, const at::Tensor& mask) {
  return at::softmax(mask.defined() ? apply_mask(scores, mask).scores : scores, -1);
}

Decompositions attention_decompositions() { return {{"aten.scaled_dot_product_attention.default", attention}}; }

}  // namespace graftwork::core::captured
