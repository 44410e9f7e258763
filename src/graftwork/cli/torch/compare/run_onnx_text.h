// The script run_onnx.py of this folder, compiled into the program (cmake/GraftworkEmbed.cmake).
#pragma once

#include <string_view>

namespace graftwork::core {

std::string_view run_onnx_text();

}  // namespace graftwork::core
