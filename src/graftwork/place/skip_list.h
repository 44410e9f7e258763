// Entries of a recipe that name modules.
#pragma once

#include <string>
#include <vector>

#include "graftwork/ir/module_table.h"

namespace graftwork::core {

/// Whether `text` fits `pattern`, in which `*` stands for any characters.
bool fits_pattern(const std::string& text, const std::string& pattern);

/// Paths, kinds and patterns; remembers which entries matched something.
class SkipList {
 public:
  /// `purpose` names the list in errors ("stub").
  SkipList(std::vector<std::string> entries, std::string purpose);

  /// Whether an entry names this module, its kind, or one of its parts.
  bool matches(const ModuleTable& modules, const ModuleRecord& record);
  /// Throws Error "config.skip" when an entry never matched.
  void check() const;

 private:
  std::vector<std::string> entries_;
  std::string purpose_;
  std::vector<bool> used_;
};

}  // namespace graftwork::core
