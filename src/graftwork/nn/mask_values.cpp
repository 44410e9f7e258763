#include "graftwork/nn/mask_values.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <ranges>
#include <string_view>
#include <vector>

#include "graftwork/ir/body.h"
#include "graftwork/ir/operator_name.h"
#include "graftwork/nn/half.h"

namespace graftwork::core {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_module(const Node& node) { return node.kind() == NodeKind::kCallModule || node.kind() == NodeKind::kCallPart; }

bool absorbs(const Use& use) {
  const Node& reader = *use.user();
  const std::string_view op = reader.op().str();
  if (is_module(reader))
    return op.starts_with("nn.MaxPool") || op.starts_with("nn.AdaptiveMaxPool") ||
           is_one_of(op, {"nn.ReLU", "nn.ReLU6", "nn.Sigmoid", "nn.Hardsigmoid", "nn.Tanh"});
  if (reader.kind() != NodeKind::kCallFunction) return false;
  const std::string_view name = operator_name(reader.op());
  if (name == "scaled_dot_product_attention") return use.slot() == 3;
  return is_one_of(name, {"softmax", "_softmax", "amax", "logsumexp", "sigmoid", "tanh", "exp", "relu"}) ||
         name.starts_with("max_pool") || op == "aten.max.dim";
}

/// Whether what is far below the others stays so.
bool keeps(const Use& use) {
  const Node& reader = *use.user();
  if (reader.kind() == NodeKind::kGetItem) return true;
  const std::string_view op = reader.op().str();
  if (is_module(reader)) return is_one_of(op, {"nn.Flatten", "nn.Dropout", "nn.Identity"});
  if (reader.kind() != NodeKind::kCallFunction) return false;
  const std::string_view name = operator_name(reader.op());
  if (is_one_of(name, {"sub", "div"})) return use.slot() == 0;
  if (name == "where") return use.slot() > 0;
  return is_one_of(name, {"add",
                          "mul",
                          "masked_fill",
                          "maximum",
                          "minimum",
                          "max",
                          "min",
                          "view",
                          "reshape",
                          "_unsafe_view",
                          "flatten",
                          "unflatten",
                          "permute",
                          "transpose",
                          "t",
                          "squeeze",
                          "unsqueeze",
                          "expand",
                          "repeat",
                          "slice",
                          "select",
                          "cat",
                          "concat",
                          "stack",
                          "flip",
                          "chunk",
                          "split",
                          "unbind",
                          "pad",
                          "clone",
                          "contiguous",
                          "detach",
                          "constant_pad_nd",
                          "to",
                          "alias",
                          "_to_copy",
                          "expand_as",
                          "view_as",
                          "clamp_min",
                          "clamp_max",
                          "clamp",
                          "roll",
                          "split_with_sizes",
                          "index_select",
                          "gather"});
}

bool is_kept(const Node& node) {
  for (const Use* use = node.uses(); use; use = use->next()) {
    if (keeps(*use)) return true;
  }
  return false;
}

/// Half of the mask that is nearest to 0, so that a sum with it counts too; nothing where no number is a mask.
std::optional<double> half_of(double mask) {
  if (!(mask <= -kLargestHalf)) return std::nullopt;
  return std::min(mask / 2, -kLargestHalf);
}

/// The mask that the node itself brings in.
std::optional<double> own_threshold(const Network& network, const Node& node) {
  if (node.kind() == NodeKind::kConstant) {
    if (!is_kept(node)) return std::nullopt;
    const at::Tensor value = evaluate(node.constant(), network.tensors);
    if (!value.is_floating_point() || value.numel() == 0) return std::nullopt;
    const at::Tensor far = value.masked_select(value <= -kLargestHalf);
    return far.numel() == 0 ? std::nullopt : half_of(far.max().item<double>());
  }
  if (node.kind() != NodeKind::kCallFunction) return std::nullopt;
  const std::string_view name = operator_name(node.op());
  const bool multiplies = name == "mul";  // (1 − m) · −1e9 and (m − 1) · 1e9
  if (!multiplies &&
      !is_one_of(name, {"masked_fill", "where", "pad", "constant_pad_nd", "full", "full_like", "new_full"}))
    return std::nullopt;
  std::optional<double> found;
  for (const auto& [attribute, value] : node.attrs()) {
    if (!is_float_number(attribute) && attribute != Symbol("self")) continue;
    const std::optional<double> number = number_in(value);
    if (!number) continue;
    const std::optional<double> own = half_of(multiplies ? -std::fabs(*number) : *number);
    if (own) found = std::max(found.value_or(-kInfinity), *own);
  }
  return found;
}

bool absorbs_inside(const ModuleTable& modules, const ModuleRecord& owner, const Node& value, bool result_absorbs);

/// Whether what reads gives numbers far below the others no weight, itself or by what reads it in turn. `called` is the
/// record of the module that it calls, null for operators.
template <class ReaderIsAbsorbed>
bool gives_no_weight(const ModuleTable& modules, const Use& use, const ModuleRecord* called,
                     const ReaderIsAbsorbed& reader_is_absorbed, bool result_absorbs) {
  if (use.user()->kind() == NodeKind::kOutput) return result_absorbs;
  if (called && called->body)
    return absorbs_inside(modules, *called, *called->body->inputs[use.slot()], reader_is_absorbed(*use.user()));
  return absorbs(use) || (keeps(use) && reader_is_absorbed(*use.user()));
}

/// Of a value of the module's body.
bool absorbs_inside(const ModuleTable& modules, const ModuleRecord& owner, const Node& value, bool result_absorbs) {
  const auto is_absorbed = [&](const Node& reader) { return absorbs_inside(modules, owner, reader, result_absorbs); };
  bool all = value.uses() != nullptr;
  for (const Use* use = value.uses(); use && all; use = use->next()) {
    const Node& reader = *use->user();
    const ModuleRecord* called = reader.kind() == NodeKind::kCallPart ? &modules[owner.child(reader.role())] : nullptr;
    all = gives_no_weight(modules, *use, called, is_absorbed, result_absorbs);
  }
  return all;
}

}  // namespace

MaskValues::MaskValues(const Network& network) : network_(&network) {
  look_over(network.module.graph(), false);
  for (const Node& node : network.module.graph().nodes()) find_threshold(node);
}

void MaskValues::look_into(const Graph& body, const Node& call) {
  // An instance lives as long as its call is looked at: another's nodes may have stood at the same addresses.
  for (const Node& node : body.nodes()) {
    absorbed_.erase(&node);
    thresholds_.erase(&node);
  }
  look_over(body, is_absorbed(call));
  size_t slot = 0;
  for (const Node& node : body.nodes()) {
    if (node.kind() != NodeKind::kInput) {
      find_threshold(node);
    } else if (const auto known = thresholds_.find(&call.input(slot++)); known != thresholds_.end()) {
      thresholds_.emplace(&node, known->second);
    }
  }
}

void MaskValues::look_over(const Graph& graph, bool result_absorbs) {
  const ModuleTable& modules = network_->module.modules();
  const auto is_absorbed_here = [&](const Node& reader) { return is_absorbed(reader); };
  std::vector<const Node*> nodes;
  for (const Node& node : graph.nodes()) nodes.push_back(&node);
  for (const Node* node : nodes | std::views::reverse) {
    bool all = node->uses() != nullptr;
    for (const Use* use = node->uses(); use && all; use = use->next()) {
      const Node& reader = *use->user();
      const ModuleRecord* called = reader.kind() == NodeKind::kCallModule ? &modules[reader.module()] : nullptr;
      all = gives_no_weight(modules, *use, called, is_absorbed_here, result_absorbs);
    }
    if (all) absorbed_.insert(node);
  }
}

void MaskValues::find_threshold(const Node& node) {
  std::optional<double> threshold = own_threshold(*network_, node);
  for (const Use& use : node.inputs()) {
    const auto known = thresholds_.find(use.producer());
    if (known != thresholds_.end() && keeps(use)) threshold = std::max(threshold.value_or(-kInfinity), known->second);
  }
  if (threshold) thresholds_.emplace(&node, *threshold);
}

std::optional<double> MaskValues::threshold(const Node& node) const {
  const auto known = thresholds_.find(&node);
  if (is_absorbed(node)) return known == thresholds_.end() ? -kInfinity : known->second;
  // −∞ is the same number in every type; a finite one is not.
  return known == thresholds_.end() ? std::nullopt : std::optional(-kInfinity);
}

bool MaskValues::holds_finite_mask(const Node& node) const {
  const std::optional<double> known = threshold(node);
  return known && std::isfinite(*known);
}

}  // namespace graftwork::core
