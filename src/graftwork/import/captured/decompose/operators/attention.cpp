// Attention, as its definition says it.
#include <cmath>
#include <limits>

#include "graftwork/import/captured/decompose/decomposition.h"

namespace graftwork::captured {
namespace {

/// softmax(query · keyᵀ · scale + mask) · value. Source: torch.nn.functional.scaled_dot_product_attention.
std::vector<at::Tensor> attention(const Arguments& args) {
  const at::Tensor& query = args.tensor("query");
  at::Tensor key = args.tensor("key"), value = args.tensor("value");
  if (args.number("dropout_p").toDouble() > 0) leave_as_it_is("it drops at random");
  if (args.flag("enable_gqa") && key.size(-3) != query.size(-3)) {
    if (key.size(-3) == 0 || value.size(-3) == 0) leave_as_it_is("it has no keys");
    key = at::repeat_interleave(key, query.size(-3) / key.size(-3), -3);
    value = at::repeat_interleave(value, query.size(-3) / value.size(-3), -3);
  }
  const double scale =
      args.is_given("scale") ? args.number("scale").toDouble() : 1 / std::sqrt(static_cast<double>(query.size(-1)));
  at::Tensor scores = at::mul(at::matmul(query, at::transpose(key, -2, -1)), scale);
  constexpr double kNever = -std::numeric_limits<double>::infinity();
  if (args.flag("is_causal")) {
    const at::Tensor allowed = at::tril(at::ones({query.size(-2), key.size(-2)}, query.options().dtype(at::kBool)), 0);
    scores = at::masked_fill(scores, at::logical_not(allowed), kNever);
  }
  if (const at::Tensor mask = args.optional_tensor("attn_mask"); mask.defined()) {
    scores = mask.scalar_type() == at::kBool ? at::masked_fill(scores, at::logical_not(mask), kNever)
                                             : at::add(scores, mask);
  }
  return {at::matmul(at::softmax(scores, -1), value)};
}

}  // namespace

Decompositions attention_decompositions() { return {{"aten.scaled_dot_product_attention.default", attention}}; }

}  // namespace graftwork::captured
