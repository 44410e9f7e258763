#include "graftwork/import/captured/fake_quantizers.h"

#include "graftwork/rewrite/graft.h"

namespace graftwork::core::captured {
namespace {

/// The one number of a constant input; nothing when it is computed or holds several.
std::optional<double> number_in(const Node& node, size_t slot, const TensorStore& tensors) {
  if (slot >= node.input_count() || node.input(slot).kind() != NodeKind::kConstant) return std::nullopt;
  const at::Tensor value = evaluate(node.input(slot).constant(), tensors);
  return value.numel() == 1 ? std::optional(value.item<double>()) : std::nullopt;
}

/// What takes the place of `node`: `op` on some of its inputs.
Node& staged(Graft& graft, const Node& node, Symbol op, std::initializer_list<size_t> slots, AttrMap attrs) {
  std::vector<Node*> inputs;
  for (const size_t slot : slots) inputs.push_back(&node.input(slot));
  for (const Symbol name : {"quant_min", "quant_max"}) attrs.set(name, *node.attrs().find(name));
  return graft.call_function(op, inputs, std::move(attrs), node.origin());
}

Node* for_tensor(Graft& graft, const Node& node, size_t scale_slot, const TensorStore& tensors) {
  const auto scale = number_in(node, scale_slot, tensors), zero_point = number_in(node, scale_slot + 1, tensors);
  if (!scale || !zero_point) return nullptr;
  return &staged(graft, node, "aten.fake_quantize_per_tensor_affine.default", {0},
                 {{"scale", *scale}, {"zero_point", static_cast<int64_t>(*zero_point)}});
}

/// Inputs: x, observer_on, fake_quant_on, running_min, running_max, scale, zero_point.
Node* without_observer(Graft& graft, const Node& node, const TensorStore& tensors) {
  const auto observes = number_in(node, 1, tensors), quantizes = number_in(node, 2, tensors);
  if (!observes || *observes != 0 || !quantizes) return nullptr;
  if (*quantizes == 0) return &node.input(0);
  const Attribute* per_row = node.attrs().find("per_row_fake_quant");
  const bool* rows = per_row ? per_row->get<bool>() : nullptr;
  if (!rows || !*rows) return for_tensor(graft, node, 5, tensors);
  return &staged(graft, node, "aten.fake_quantize_per_channel_affine.default", {0, 5, 6},
                 {{"axis", *node.attrs().find("ch_axis")}});
}

}  // namespace

void read_fake_quantizers(Network& network) {
  Graft graft(network.module);
  for (Node& node : network.module.graph().nodes()) {
    graft.reset();
    Node* now = nullptr;
    if (node.op() == Symbol("aten.fake_quantize_per_tensor_affine.tensor_qparams")) {
      now = for_tensor(graft, node, 1, network.tensors);
    } else if (node.op() == Symbol("aten.fused_moving_avg_obs_fake_quant.default")) {
      now = without_observer(graft, node, network.tensors);
    }
    if (now && graft.replace(node, *now)) graft.apply();
  }
}

}  // namespace graftwork::core::captured
