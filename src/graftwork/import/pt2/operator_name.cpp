#include "graftwork/import/pt2/operator_name.h"

#include "graftwork/base/text.h"

namespace graftwork::core::pt2 {

Symbol operator_name(std::string_view target) {
  if (target.starts_with("torch.ops.")) return target.substr(10);
  for (const std::string_view prefix : {"_operator.", "torch.sym_", "math."}) {
    if (target.starts_with(prefix)) return cat("sym.", target.substr(prefix.size()));
  }
  return target;
}

}  // namespace graftwork::core::pt2
