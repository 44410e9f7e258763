// What stands where a plain file is wanted.
#pragma once

#include <sys/stat.h>

#include <string_view>

namespace graftwork::core {

/// "a folder", "a pipe", ...; `mode` as stat gives it.
inline std::string_view file_kind(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

}  // namespace graftwork::core
