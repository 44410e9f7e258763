// Names from files as names of files.
#pragma once

#include <string>
#include <string_view>

namespace graftwork::core {

/// `name` as that of one file in any folder, of any system: what is a separator, a wildcard, a path in itself ("..") or
/// not to be seen is written as bytes, %2f, and so is %. Letters of all languages stay. Different names stay different.
std::string file_name(std::string_view name);

}  // namespace graftwork::core
