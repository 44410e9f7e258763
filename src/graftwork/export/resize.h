// Resizing in ONNX's words.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "graftwork/export/lowering.h"

namespace graftwork::core {

/// How torch maps an output position to an input position: "nearest", "nearest-exact", "linear", "bilinear",
/// "trilinear" or "bicubic".
struct ResizeMode {
  std::string mode;
  bool align_corners = false;

  bool is_nearest() const { return mode.starts_with("nearest"); }
};

/// Attributes of Resize.
std::vector<std::pair<std::string, onnx::AttributeValue>> resize_attributes(const ResizeMode& mode);

/// Resizes to sizes of which some are known at run time only: `sizes` has a value [1] for each axis behind batch and
/// channels of `to`. Pixels are those that torch reads when it is given sizes and no factors.
std::string lower_resize(Lowering& lowering, const std::string& name, const std::string& input, const ResizeMode& mode,
                         const TensorType& from, const TensorType& to, const std::vector<std::string>& sizes,
                         const std::string& output);

}  // namespace graftwork::core
