// Networks as text that may have TensorRT's kernels in them.
#pragma once

#include <string>
#include <string_view>

#include "graftwork/ir/text/parse.h"
#include "graftwork/patterns/tensorrt/tensorrt.h"

namespace graftwork::core::testing {

inline GraphModule parse_network(std::string_view text, const std::string& source = "text") {
  return parse(text, source, tensorrt_backend().kinds);
}

}  // namespace graftwork::core::testing
