// What a layer multiplies, and whether TensorRT has kernels for that.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "graftwork/base/outcome.h"
#include "graftwork/patterns/placement/precision.h"

namespace graftwork::core {

/// Nothing stands for floats.
struct LayerFormat {
  std::optional<Precision> activation = Precision::kInt8;
  std::optional<Precision> weight = Precision::kInt8;
  int64_t block_size = 0;  ///< Of the weight: input channels that share a scale; 0: a scale for each output channel.

  friend bool operator==(const LayerFormat&, const LayerFormat&) = default;
  /// "INT8", "INT4 weights in blocks of 128", "INT4 weights, INT8 activations", "floating point".
  std::string text() const;
};

/// Whether a file for TensorRT can have it; the rule that says no. What cannot be written runs in fake quantization.
Outcome can_be_written(const LayerFormat& format);

}  // namespace graftwork::core
