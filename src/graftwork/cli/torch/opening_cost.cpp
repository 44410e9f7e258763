#include "graftwork/cli/torch/opening_cost.h"

#include <algorithm>

#include "graftwork/base/saturating.h"
#include "graftwork/import/common/constant_folding.h"
#include "graftwork/ir/peak_memory.h"

namespace graftwork::core::cli {
namespace {

/// In order, and in the type of a file's numbers, which has four bytes where ours has one.
int64_t bytes_in_order(const at::Tensor& tensor) {
  constexpr int64_t kWidth = 4;
  return std::max(bytes_of(tensor), saturating_product(tensor.numel(), kWidth));
}

int64_t cost_of(const ParamExpr& expr, const TensorStore& tensors) {
  if (expr.op() == ParamExpr::Op::kLeaf) {
    const at::Tensor& stored = tensors.at(expr.leaf_name());
    return stored.is_contiguous() ? 0 : bytes_in_order(stored);
  }
  // A view of a tensor that lies in order is that tensor.
  const bool is_view = expr.op() == ParamExpr::Op::kView;
  if (is_view && expr.operands()[0].op() == ParamExpr::Op::kLeaf) return cost_of(expr.operands()[0], tensors);
  return saturating_sum(bytes_to_evaluate(expr), bytes_of(expr.type()));
}

}  // namespace

int64_t bytes_of_computed_constants(const Network& network) {
  int64_t total = 0;
  for (const Node& node : network.module.graph().nodes()) {
    if (node.kind() == NodeKind::kConstant) total = saturating_sum(total, cost_of(node.constant(), network.tensors));
  }
  return total;
}

int64_t most_bytes_of_computed_constants(const Network& network) {
  constexpr int64_t kAlways = int64_t{96} << 20, kTimes = 8;
  int64_t stored = 0;
  for (const auto& [name, tensor] : network.tensors) {
    const size_t lies = tensor.storage().nbytes();
    stored = saturating_sum(stored, std::min(bytes_of(tensor), static_cast<int64_t>(lies)));
  }
  return saturating_sum(kAlways, saturating_product(kTimes, stored));
}

}  // namespace graftwork::core::cli
