#include "graftwork/export/mask_sum.h"

#include <cmath>

#include "graftwork/ir/operator_name.h"
#include "graftwork/nn/half.h"

namespace graftwork::core {

void keep_mask_whole(Lowering& lowering, const Node& node) {
  const MaskValues* masks = lowering.masks();
  const bool is_sum = operator_name(node.op()) == "add" && node.input_count() == 2;
  if (!masks || !is_sum || lowering.options().float_type != DType::kF16 || !masks->is_absorbed(node)) return;
  const std::string& name = node.name().str();
  std::vector<std::string> masked;
  for (size_t slot = 0; slot < 2; ++slot) {
    if (!masks->holds_finite_mask(node.input(slot))) continue;
    const std::string bound = lowering.float_scalar(name + "_mask_bound", -kLargestHalf / 2);
    masked.push_back(lowering.add("LessOrEqual", name + "_is_masked", {lowering.operand(node, slot), bound}));
  }
  if (masked.empty()) return;
  // Two masks make −∞, for torch too.
  const std::string is_masked = masked.size() == 1 ? masked[0] : lowering.add("Xor", name + "_is_masked_once", masked);
  const std::string mask = lowering.float_scalar(name + "_mask", -kLargestHalf);
  lowering.bind(node, lowering.add("Where", name + "_masked", {is_masked, mask, lowering.value(node)}));
}

}  // namespace graftwork::core
