#include "graftwork/import/pt2/fake_quantizers.h"

namespace graftwork::pt2 {
namespace {

/// The one number of a constant input; nothing when it is computed or holds several.
std::optional<double> number_in(const Node& node, size_t slot, const TensorStore& tensors) {
  if (slot >= node.input_count() || node.input(slot).kind() != NodeKind::kConstant) return std::nullopt;
  const at::Tensor value = evaluate(node.input(slot).constant(), tensors);
  return value.numel() == 1 ? std::optional(value.item<double>()) : std::nullopt;
}

/// `op` in place of `node`, on some of its inputs.
Node& replaced_by(Graph& graph, Node& node, Symbol op, std::initializer_list<size_t> slots, AttrMap attrs) {
  std::vector<Node*> inputs;
  for (const size_t slot : slots) inputs.push_back(&node.input(slot));
  for (const Symbol name : {"quant_min", "quant_max"}) attrs.set(name, *node.attrs().find(name));
  NodeSpec spec;
  spec.kind = NodeKind::kCallFunction;
  spec.op = op;
  spec.name = node.name();
  spec.attrs = std::move(attrs);
  spec.type = node.type();
  spec.origin = node.origin();
  Node& now = graph.stage(std::move(spec), inputs);
  graph.link_before(now, node);
  return now;
}

Node* for_tensor(Graph& graph, Node& node, size_t scale_slot, const TensorStore& tensors) {
  const auto scale = number_in(node, scale_slot, tensors), zero_point = number_in(node, scale_slot + 1, tensors);
  if (!scale || !zero_point) return nullptr;
  return &replaced_by(graph, node, "aten.fake_quantize_per_tensor_affine.default", {0},
                      {{"scale", *scale}, {"zero_point", static_cast<int64_t>(*zero_point)}});
}

/// Inputs: x, observer_on, fake_quant_on, running_min, running_max, scale, zero_point.
Node* without_observer(Graph& graph, Node& node, const TensorStore& tensors) {
  const auto observes = number_in(node, 1, tensors), quantizes = number_in(node, 2, tensors);
  if (!observes || *observes != 0 || !quantizes) return nullptr;
  if (*quantizes == 0) return &node.input(0);
  const Attribute* per_row = node.attrs().find("per_row_fake_quant");
  const bool* rows = per_row ? per_row->get<bool>() : nullptr;
  if (!rows || !*rows) return for_tensor(graph, node, 5, tensors);
  return &replaced_by(graph, node, "aten.fake_quantize_per_channel_affine.default", {0, 5, 6},
                      {{"axis", *node.attrs().find("ch_axis")}});
}

void erase_unused(Graph& graph, Node& node) {
  std::vector<Node*> operands;
  for (const Use& use : node.inputs()) operands.push_back(use.producer());
  graph.erase(node);
  for (Node* operand : operands) {
    if (operand->alive() && operand->kind() == NodeKind::kConstant && operand->use_count() == 0) graph.erase(*operand);
  }
}

}  // namespace

void read_fake_quantizers(Network& network) {
  Graph& graph = network.module.graph();
  for (Node& node : graph.nodes()) {
    Node* now = nullptr;
    if (node.op() == Symbol("aten.fake_quantize_per_tensor_affine.tensor_qparams")) {
      now = for_tensor(graph, node, 1, network.tensors);
    } else if (node.op() == Symbol("aten.fused_moving_avg_obs_fake_quant.default")) {
      now = without_observer(graph, node, network.tensors);
    }
    if (!now) continue;
    graph.replace_all_uses(node, *now);
    erase_unused(graph, node);
  }
}

}  // namespace graftwork::pt2
