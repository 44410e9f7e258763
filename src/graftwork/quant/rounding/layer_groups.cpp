#include "graftwork/quant/rounding/layer_groups.h"

namespace graftwork::core {

void in_groups(const std::vector<int64_t>& bytes, int64_t most_bytes,
               const std::function<void(size_t first, size_t count)>& work) {
  for (size_t first = 0, end = 0; first < bytes.size(); first = end) {
    int64_t together = bytes[end++];
    while (end < bytes.size() && together + bytes[end] <= most_bytes) together += bytes[end++];
    work(first, end - first);
  }
}

}  // namespace graftwork::core
