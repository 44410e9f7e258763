#include "graftwork/onnx/attributes.h"

#include <cstring>

namespace graftwork::core::onnx {
namespace {

template <class Value>
Value value_or(const Node& node, std::string_view name, Value fallback) {
  const AttributeValue* attribute = find_attribute(node, name);
  const Value* value = attribute ? std::get_if<Value>(attribute) : nullptr;
  return value ? *value : std::move(fallback);
}

template <class Element, class Result>
std::optional<std::vector<Result>> elements_of(const Tensor& tensor) {
  if (tensor.dims.size() > 1) return std::nullopt;
  std::vector<Result> values(tensor.bytes.view.size() / sizeof(Element));
  for (size_t i = 0; i < values.size(); ++i) {
    Element element;
    std::memcpy(&element, tensor.bytes.view.data() + i * sizeof element, sizeof element);
    values[i] = element;
  }
  return values;
}

}  // namespace

const AttributeValue* find_attribute(const Node& node, std::string_view name) {
  for (const auto& [key, value] : node.attributes) {
    if (key == name) return &value;
  }
  return nullptr;
}

int64_t integer_attribute(const Node& node, std::string_view name, int64_t fallback) {
  return value_or(node, name, fallback);
}

std::string text_attribute(const Node& node, std::string_view name, std::string fallback) {
  return value_or(node, name, std::move(fallback));
}

std::vector<int64_t> integers_attribute(const Node& node, std::string_view name, std::vector<int64_t> fallback) {
  return value_or(node, name, std::move(fallback));
}

void set_attribute(Node& node, const std::string& name, AttributeValue value) {
  for (auto& [key, old] : node.attributes) {
    if (key != name) continue;
    old = std::move(value);
    return;
  }
  node.attributes.emplace_back(name, std::move(value));
}

std::optional<std::vector<int64_t>> integers_of(const Tensor& tensor) {
  if (tensor.type == DType::kI64) return elements_of<int64_t, int64_t>(tensor);
  if (tensor.type == DType::kI32) return elements_of<int32_t, int64_t>(tensor);
  return std::nullopt;
}

std::optional<std::vector<float>> floats_of(const Tensor& tensor) {
  if (tensor.type != DType::kF32) return std::nullopt;
  return elements_of<float, float>(tensor);
}

}  // namespace graftwork::core::onnx
