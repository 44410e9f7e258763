// Names of operators.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>

#include "graftwork/base/symbol.h"

namespace graftwork::core {

inline bool is_one_of(Symbol op, std::span<const Symbol> ops) { return std::ranges::find(ops, op) != ops.end(); }

/// "aten.log.default" is named log.
inline std::string_view operator_name(Symbol op) {
  const std::string_view text = op.str();
  const size_t begin = text.find('.') + 1;
  return text.substr(begin, text.find('.', begin) - begin);
}

}  // namespace graftwork::core
