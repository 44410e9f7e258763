// The opsets of the files that are written.
#pragma once

#include <cstdint>

namespace graftwork::core::onnx {

struct OpsetRange {
  int64_t lowest;
  int64_t highest;

  constexpr bool contains(int64_t opset) const { return opset >= lowest && opset <= highest; }
};

/// From the first with Q/DQ of FP16 scales to the last that TensorRT 11 reads.
inline constexpr OpsetRange kWrittenOpsets{19, 25};

}  // namespace graftwork::core::onnx
