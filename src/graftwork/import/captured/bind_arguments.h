// What the arguments of a call stand for while the graph is built.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "graftwork/import/captured/program.h"
#include "graftwork/import/common/constants.h"

namespace graftwork::core::captured {

/// What a name of the program stands for.
struct Meaning {
  Node* node = nullptr;              // computed at run time
  std::optional<Constant> constant;  // known now
  std::optional<Attribute> literal;  // a number in the place of a value
  Node* tuple = nullptr;             // an element of it; its get_item is made when it is first read
  int64_t index = 0;
};

using Scope = std::unordered_map<std::string, Meaning>;

/// Throws Error "pt2.graph" when nothing made the name.
Meaning& meaning_of(Scope& scope, const std::string& name);

/// The arguments of a call as a node of the graph has them. Attributes refer to operands by their position (InputRef).
struct BoundArguments {
  std::vector<Meaning*> operands;  // into the scope
  AttrMap attrs;
  std::vector<std::string> problems;  // why it cannot be run
};

/// The arguments of `call` in the order of its operator's schema. Those that the graph does without (where a tensor
/// lies, how it is laid out) are left out.
BoundArguments bind_arguments(const Call& call, Scope& scope);

}  // namespace graftwork::core::captured
