// Names of operators without where they come from.
#pragma once

#include <string_view>

#include "graftwork/base/symbol.h"

namespace graftwork {

/// "aten.log.default" is named log.
inline std::string_view operator_name(Symbol op) {
  const std::string_view text = op.str();
  const size_t begin = text.find('.') + 1;
  return text.substr(begin, text.find('.', begin) - begin);
}

}  // namespace graftwork
