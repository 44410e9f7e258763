// What messages call an input.
#pragma once

#include <string>

#include "graftwork/ir/graph.h"

namespace graftwork::core {

/// "input x"; "the input" for the one that is called so.
inline std::string input_text(const Node& input) {
  const std::string name = input.name().str();
  return name == "input" ? "the input" : "input " + name;
}

}  // namespace graftwork::core
