#include "graftwork/ir/node_names.h"

#include "graftwork/base/text.h"

namespace graftwork::core {

void NodeNames::add(Symbol name) {
  if (!name.empty()) ++counts_[name];
}

void NodeNames::remove(Symbol name) noexcept {
  if (!name.empty()) --*counts_.find(name);
}

Symbol NodeNames::unique(Symbol wanted) {
  Symbol name = wanted;
  while (is_taken(name)) name = cat(wanted.str(), "_", ++last_suffix_[wanted]);
  return name;
}

bool NodeNames::exchange(Symbol made, Symbol wanted) noexcept {
  if (is_taken(wanted)) return false;
  ++*counts_.find(wanted);
  --*counts_.find(made);
  --last_suffix_.find(wanted)->second;  // the number is free again
  return true;
}

}  // namespace graftwork::core
