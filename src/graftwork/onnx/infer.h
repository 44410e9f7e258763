// Types and shapes of a model's values by ONNX's rules, so that a file which a checker or an engine would refuse for
// them is found out before it is written.
//
// An inference of our own, for the operators that are written: ONNX's library would have to be linked, in a version
// that knows our opsets. tests/python/test_inference.py holds it against ONNX's.
#pragma once

#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "graftwork/onnx/model.h"

namespace graftwork::core::onnx {

using Dims = std::vector<Dimension>;

/// What is known of a value: its element type; its extents, where its rank is known.
struct ValueType {
  DType type = DType::kF32;
  std::optional<Dims> dims;
};

/// By name of the value; of those that are known. The names are the model's.
using ValueTypes = std::unordered_map<std::string_view, ValueType>;

/// From inputs and initializers through all nodes. A value that is listed with a type (value_infos, outputs) has that,
/// with what the rules add. Throws Error "export.inference" that names the node where the rules refuse its operands, or
/// find another element type, rank or extent than the listed one. An operator without a rule gives no type. Linear, and
/// looks at elements only of tensors that name shapes. Requires a model that check_model accepts.
ValueTypes infer_types(const Model& model);

}  // namespace graftwork::core::onnx
