// One call of an exported program: what its arguments stand for.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "graftwork/import/common/constants.h"
#include "graftwork/import/pt2/schema.h"

namespace graftwork::pt2 {

using GraphNode = graftwork::Node;

/// What a name of the exported program stands for.
struct Meaning {
  GraphNode* node = nullptr;         // computed at run time
  std::optional<Constant> constant;  // known now
  std::optional<Attribute> literal;  // a number in the place of a value
  GraphNode* tuple = nullptr;        // an element of it; its get_item is made when it is first read
  int64_t index = 0;
};

using Scope = std::unordered_map<std::string, Meaning>;

/// Throws Error "pt2.graph": the records contradict one another.
[[noreturn]] void contradiction(const std::string& what);

/// Throws Error "pt2.graph" when nothing made the name.
Meaning& meaning_of(Scope& scope, const std::string& name);

/// A call being put together. Attributes refer to operands by their position (InputRef).
struct Call {
  std::vector<Meaning*> operands;  // into the scope
  AttrMap attrs;
  std::vector<std::string> problems;  // why it cannot be run
};

/// Adds the arguments of `node`, as the schema of `op` orders them, to `call`. Arguments that the graph does without
/// (where a tensor lies, how it is laid out) are left out.
void read_arguments(Symbol op, const Node& node, Scope& scope, Call& call);

/// Names of the values that a call makes; empty for a result that is None.
std::vector<std::string> output_names(const Node& node);

}  // namespace graftwork::pt2
