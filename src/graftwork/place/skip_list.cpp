#include "graftwork/place/skip_list.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core {

bool fits_pattern(const std::string& text, const std::string& pattern) {
  // Greedy with one step back to the last star: linear in practice, never exponential.
  size_t t = 0, p = 0, star = std::string::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

SkipList::SkipList(std::vector<std::string> entries, std::string purpose)
    : entries_(std::move(entries)), purpose_(std::move(purpose)), used_(entries_.size(), false) {}

bool SkipList::matches(const ModuleTable& modules, const ModuleRecord& record) {
  bool any = false;
  for (size_t i = 0; i < entries_.size(); ++i) {
    const auto names = [&](const ModuleRecord& module) {
      const bool inside = module.path.str().starts_with(entries_[i] + ".");
      return inside || fits_pattern(module.path.str(), entries_[i]) || module.kind.str() == entries_[i];
    };
    bool found = names(record);
    for (const auto& [role, child] : record.children) found |= names(modules[child]);
    if (found) used_[i] = true;
    any |= found;
  }
  return any;
}

void SkipList::check() const {
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (used_[i]) continue;
    throw Error("config.skip",
                cat("the entry \"", entries_[i], "\" of skip.", purpose_, " matches no module of this network"),
                "a module that the transformed network shows when it is printed");
  }
}

}  // namespace graftwork::core
