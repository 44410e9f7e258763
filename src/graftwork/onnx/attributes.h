// Reading nodes and small tensors: attributes with ONNX's defaults, whole numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graftwork/onnx/model.h"

namespace graftwork::core::onnx {

/// Null where the node has no attribute of that name.
const AttributeValue* find_attribute(const Node& node, std::string_view name);
/// Its value; `fallback` where there is none, or it is of another kind.
int64_t integer_attribute(const Node& node, std::string_view name, int64_t fallback);
std::string text_attribute(const Node& node, std::string_view name, std::string fallback);
std::vector<int64_t> integers_attribute(const Node& node, std::string_view name, std::vector<int64_t> fallback = {});
/// In the place of the one of that name, or behind the others.
void set_attribute(Node& node, const std::string& name, AttributeValue value);

/// The elements of a tensor of INT64 or INT32, 0-D or 1-D; nullopt for others.
std::optional<std::vector<int64_t>> integers_of(const Tensor& tensor);
/// The same for FP32.
std::optional<std::vector<float>> floats_of(const Tensor& tensor);

}  // namespace graftwork::core::onnx
