// ATen's products of two computed matrices.
#include "graftwork/base/text.h"
#include "graftwork/ir/kinds/kinds.h"

namespace graftwork::core {
namespace {

[[noreturn]] void refuse_product(const TensorType& a, const TensorType& b) {
  refuse_shape(cat("cannot multiply ", a.text(), " by ", b.text()));
}

/// [..., n, k] · [..., k, m] → [..., n, m]; a vector is a row in front and a column behind, whose axis goes.
/// Source: torch.matmul.
Type matmul_shape(const ShapeQuery& query) {
  const TensorType& a = query.tensor(0);
  const TensorType& b = query.tensor(1);
  if (a.dtype != b.dtype || a.rank() == 0 || b.rank() == 0) refuse_product(a, b);
  const size_t a_batch = a.rank() < 2 ? 0 : a.rank() - 2, b_batch = b.rank() < 2 ? 0 : b.rank() - 2;
  if (a.dims.back() != b.dims[b_batch]) refuse_product(a, b);
  auto dims = broadcast(std::span(a.dims).first(a_batch), std::span(b.dims).first(b_batch));
  if (!dims) refuse_product(a, b);
  if (a.rank() > 1) dims->push_back(a.dims[a_batch]);
  if (b.rank() > 1) dims->push_back(b.dims.back());
  return TensorType{a.dtype, *std::move(dims)};
}

/// [b, n, k] · [b, k, m] → [b, n, m].
Type bmm_shape(const ShapeQuery& query) {
  if (query.tensor(0).rank() != 3 || query.tensor(1).rank() != 3 || query.tensor(0).dims[0] != query.tensor(1).dims[0])
    refuse_product(query.tensor(0), query.tensor(1));
  return matmul_shape(query);
}

}  // namespace

std::vector<Kind> product_kinds() {
  return {operator_kind("aten.matmul.default", matmul_shape, 2, 2), operator_kind("aten.bmm.default", bmm_shape, 2, 2)};
}

}  // namespace graftwork::core
