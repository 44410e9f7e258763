// Part of a tensor replaced by another one.
#pragma once

#include <string>

#include "graftwork/import/captured/functional/emitter.h"

namespace graftwork::core::captured {

/// A range of one dimension, 0 ≤ start ≤ end ≤ extent.
struct Range {
  int64_t axis = 0;
  int64_t start = 0;
  int64_t end = 0;
  int64_t extent = 0;
};

/// Emits `source`, of the type `meta`, with `range` of it replaced by `value`: the parts around it and `value` put
/// together again. Slices and concatenation, unlike aten.slice_scatter, have an ONNX form and may stay INT8.
std::string replace_range(Emitter& emitter, const std::string& source, const TensorMeta& meta, const Range& range,
                          const std::string& value, const Call& origin, const std::string& wanted);

}  // namespace graftwork::core::captured
