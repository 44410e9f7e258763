// Names of values, each of which stands for one.
#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>

#include "graftwork/base/error.h"
#include "graftwork/base/symbol.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/bounds.h"

namespace graftwork::core {

class UniqueNames {
 public:
  /// False when the name is taken already.
  bool take(const std::string& name) { return taken_.insert(name).second; }

  /// `wanted`, or `wanted_1`, ... when that is taken. Counting goes on where it ended: a thousand values of one name
  /// are a thousand steps, not a million.
  std::string make(const std::string& wanted) {
    if (take(wanted)) return wanted;
    for (size_t& k = next_suffix_[wanted];;) {
      std::string name = cat(wanted, "_", ++k);
      if (take(name)) return name;
    }
  }

  /// Lets a name be taken again.
  void release(const std::string& name) { taken_.erase(name); }

 private:
  std::unordered_set<std::string> taken_;
  std::unordered_map<std::string, size_t> next_suffix_;
};

/// The name of a value that a file calls `wanted`; one without a name is called "v". Throws Error "ir.size".
inline Symbol value_name(UniqueNames& names, const std::string& wanted) {
  if (wanted.size() > kLongestName) throw Error("ir.size", cat("a name of more than ", kLongestName, " letters"));
  return names.make(wanted.empty() ? "v" : wanted);
}

}  // namespace graftwork::core
