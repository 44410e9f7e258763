#include "graftwork/onnx/fold_padding.h"

#include <cstring>
#include <string_view>
#include <unordered_map>

#include "graftwork/onnx/attributes.h"

namespace graftwork::core::onnx {
namespace {

using Pads = std::vector<int64_t>;

bool is_lowest(const Tensor& tensor) {
  const std::span<const std::byte> bytes = tensor.bytes.view;
  const auto equals = [&](auto bits) {
    return bytes.size() == sizeof bits && std::memcmp(bytes.data(), &bits, sizeof bits) == 0;
  };
  return (tensor.type == DType::kF32 && equals(uint32_t{0xff800000})) ||
         (tensor.type == DType::kF16 && equals(uint16_t{0xfc00}));
}

/// Widths of the padding in front of and behind all axes, where the node pads with −∞.
std::optional<Pads> lowest_pads(const Node& node,
                                const std::unordered_map<std::string_view, const Tensor*>& constants) {
  if (node.op_type != "Pad" || node.inputs.size() != 3 || text_attribute(node, "mode", "constant") != "constant")
    return std::nullopt;
  const auto widths = constants.find(node.inputs[1]), value = constants.find(node.inputs[2]);
  if (widths == constants.end() || value == constants.end() || !is_lowest(*value->second)) return std::nullopt;
  return integers_of(*widths->second);
}

/// The pool's own pads with those in front of it added; nothing where it cannot have them.
std::optional<Pads> joined(const Node& pool, const Pads& outside) {
  const Pads kernel = integers_attribute(pool, "kernel_shape");
  const Pads dilations = integers_attribute(pool, "dilations", Pads(kernel.size(), 1));
  Pads pads = integers_attribute(pool, "pads", Pads(2 * kernel.size(), 0));
  if (integer_attribute(pool, "ceil_mode", 0) != 0 || outside.size() != 2 * (kernel.size() + 2)) return std::nullopt;
  const size_t rank = kernel.size() + 2;
  for (size_t axis = 0; axis < rank; ++axis) {
    for (size_t side = 0; side < 2; ++side) {
      const int64_t width = outside[side * rank + axis];
      if (axis < 2 && width != 0) return std::nullopt;
      if (axis < 2) continue;
      int64_t& pad = pads[side * kernel.size() + axis - 2];
      const int64_t room = dilations[axis - 2] * (kernel[axis - 2] - 1) - pad;  // no window is all padding
      if (width < 0 || width > room) return std::nullopt;
      pad += width;
    }
  }
  return pads;
}

}  // namespace

void fold_padding(Graph& graph) {
  std::unordered_map<std::string_view, const Tensor*> constants;
  for (const Tensor& tensor : graph.initializers) constants.emplace(tensor.name, &tensor);
  struct Padding {
    std::string input;
    Pads pads;
  };
  std::unordered_map<std::string_view, Padding> paddings;
  for (Node& node : graph.nodes) {
    if (const std::optional<Pads> pads = lowest_pads(node, constants))
      paddings.emplace(node.outputs[0], Padding{node.inputs[0], *pads});
    if (node.op_type != "MaxPool") continue;
    const auto padding = paddings.find(node.inputs[0]);
    const std::optional<Pads> pads = padding == paddings.end() ? std::nullopt : joined(node, padding->second.pads);
    if (!pads) continue;
    node.inputs[0] = padding->second.input;
    set_attribute(node, "pads", *pads);
  }
}

}  // namespace graftwork::core::onnx
