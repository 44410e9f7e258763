#include "graftwork/ir/reads_behind.h"

#include <unordered_set>

namespace graftwork::core {

std::optional<std::vector<const Use*>> reads_behind(const Node& value,
                                                    const std::function<bool(const Node&)>& passes_on) {
  constexpr size_t kMost = 256;
  std::vector<const Use*> reads;
  std::vector<const Node*> open{&value};
  std::unordered_set<const Node*> seen;
  while (!open.empty()) {
    const Node& at = *open.back();
    open.pop_back();
    for (const Use* use = at.uses(); use; use = use->next()) {
      if (!passes_on(*use->user())) {
        reads.push_back(use);
      } else if (seen.insert(use->user()).second) {
        open.push_back(use->user());
      }
    }
    if (seen.size() > kMost) return std::nullopt;
  }
  return reads;
}

}  // namespace graftwork::core
