#include "graftwork/patterns/attention/one_kernel.h"

#include <algorithm>

namespace graftwork::core {

bool is_single_head(const Node& attention) {
  for (size_t i = 0; i < 3; ++i) {
    const TensorType* type = attention.input(i).tensor();
    if (!type || type->rank() < 2) return false;
    if (!std::all_of(type->dims.begin(), type->dims.end() - 2, [](const Dim& extent) { return extent == Dim(1); }))
      return false;
  }
  return true;
}

}  // namespace graftwork::core
