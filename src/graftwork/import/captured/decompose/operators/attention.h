// Attention, as its definition says it.
#pragma once

#include <ATen/ATen.h>

#include <optional>

namespace graftwork::core::captured {

/// query · keyᵀ · scale, by default 1/√(size of a head): [..., queries, keys].
at::Tensor scaled_scores(const at::Tensor& query, const at::Tensor& key, std::optional<double> scale = {});

/// softmax(scores + mask) · value, and 0 for a query that sees no key. `mask` is true where a key is seen, or is added
/// to the scores; undefined where all are. Source: aten::_safe_softmax in the definition of
/// torch.nn.functional.scaled_dot_product_attention.
at::Tensor attended_values(const at::Tensor& scores, const at::Tensor& value, const at::Tensor& mask);

/// softmax(scores + mask), of the same mask; undefined for a query that sees no key.
at::Tensor attention_weights(const at::Tensor& scores, const at::Tensor& mask);

}  // namespace graftwork::core::captured
