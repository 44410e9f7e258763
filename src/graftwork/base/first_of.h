// Many names in one line.
#pragma once

#include <string>
#include <vector>

namespace graftwork::core {

/// "a, b and 3 more": what an error says of many.
std::string first_of(const std::vector<std::string>& names);

}  // namespace graftwork::core
