// The printed form of a network: `%value = op @module(%inputs) {attributes}`. See docs/ir.md.
#pragma once

#include <string>

#include "graftwork/ir/graph_module.h"

namespace graftwork::core {

enum class ShowTypes : uint8_t {
  kNotInferred,  ///< Only where parsing could not infer them: the canonical form.
  kAlways,       ///< For people.
};

/// The whole network, one node a line, in graph order. parse(print(m)) is isomorphic to m, and
/// print(parse(text)) == text for text that print made.
std::string print(const GraphModule& module, ShowTypes types = ShowTypes::kNotInferred);

/// 16 hexadecimal digits that tell networks apart by their printed form.
std::string fingerprint(const GraphModule& module);

/// One module record, "nn.Conv2d @stem.conv {in_channels=3, ...}", with its parts.
std::string print_record(const ModuleTable& modules, ModuleId id);

/// "stem.conv", or in quotes when the name has characters beyond letters, digits, '_', '.', '-' or starts
/// with one of the last two.
std::string print_name(Symbol name);

}  // namespace graftwork::core
