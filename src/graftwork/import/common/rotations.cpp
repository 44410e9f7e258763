#include "graftwork/import/common/rotations.h"

namespace graftwork::core {

std::optional<int64_t> rotation_of(const ParamExpr& index, int64_t extent, const TensorStore& tensors,
                                   FoldingBudget& budget) {
  const TensorType& type = index.type();
  if (type.dtype != DType::kI64 && type.dtype != DType::kI32) return std::nullopt;
  const int64_t bytes = bytes_to_evaluate(index);
  if (type.rank() != 1 || type.dims[0] != Dim(extent) || extent == 0 || extent > FoldingBudget::kPerOperator / 8 ||
      bytes > FoldingBudget::kPerOperator || !budget.spend(bytes + extent * 8, extent))
    return std::nullopt;
  const at::Tensor places = evaluate(index, tensors);
  const auto first = places[0].item<int64_t>();
  const at::Tensor wanted = at::remainder(at::add(at::arange(extent, places.options()), first), extent);
  if (first < 0 || first >= extent || !at::equal(places, wanted)) return std::nullopt;
  return first;
}

}  // namespace graftwork::core
