// The pattern files of this folder, compiled into the program (cmake/GraftworkEmbed.cmake).
#pragma once

#include <string_view>

namespace graftwork::core {

std::string_view tensorrt_conversions_text();
std::string_view tensorrt_fusions_text();

}  // namespace graftwork::core
