#include "graftwork/place/builtin_policies.h"

#include <algorithm>
#include <unordered_set>
#include <vector>

#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/kind.h"

namespace graftwork::core {
namespace {

constexpr int64_t kSmallProduct = 16;  // rule F11

bool has_layer(const GraphModule& module, const Node& node) {
  if (node.kind() != NodeKind::kCallModule) return false;
  const ModuleRecord& record = module.record(node);
  return record.body && !record.body->layers.empty();
}

template <class Fits>
bool has_layer_that(const GraphModule& module, const Node& call, const Fits& fits) {
  const ModuleRecord& record = module.record(call);
  return std::any_of(record.body->layers.begin(), record.body->layers.end(),
                     [&](const BodyLayer& layer) { return fits(module.modules()[record.child(layer.role)]); });
}

/// One input channel for each group, and several of them.
bool is_depthwise(const ModuleRecord& layer) {
  const Attribute* groups = attribute_of(layer, "groups");
  const Attribute* channels = attribute_of(layer, "in_channels");
  return groups && channels && *groups == *channels && *groups->get<int64_t>() > 1;
}

/// Whether a way along the edges of the graph, none of whose nodes has a layer, leads from `from` to an end.
template <class Next, class IsEnd>
bool reaches(const GraphModule& module, const Node& from, const Next& next, const IsEnd& is_end) {
  std::vector<const Node*> open{&from};
  std::unordered_set<const Node*> seen{&from};
  while (!open.empty()) {
    const Node* node = open.back();
    open.pop_back();
    bool ends = false;
    next(*node, [&](const Node& other) {
      if (is_end(other)) ends = true;
      if (!has_layer(module, other) && seen.insert(&other).second) open.push_back(&other);
    });
    if (ends) return true;
  }
  return false;
}

bool is_first(const GraphModule& module, const Node& call) {
  return reaches(
      module, call,
      [](const Node& node, const auto& visit) {
        for (const Use& use : node.inputs()) visit(*use.producer());
      },
      [](const Node& node) { return node.kind() == NodeKind::kInput; });
}

bool is_last(const GraphModule& module, const Node& call) {
  return reaches(
      module, call,
      [](const Node& node, const auto& visit) {
        for (const Use* use = node.uses(); use; use = use->next()) visit(*use->user());
      },
      [](const Node& node) { return node.kind() == NodeKind::kOutput; });
}

/// A product of few channels, or of one row.
bool is_tiny_product(const GraphModule& module, const Node& call) {
  const TensorType* input = call.input(0).tensor();
  const bool one_row =
      input && input->rank() > 0 &&
      std::all_of(input->dims.begin(), input->dims.end() - 1, [](const Dim& extent) { return extent == Dim(1); });
  return has_layer_that(module, call, [&](const ModuleRecord& layer) {
    if (layer.kind != Symbol("nn.Linear")) return false;
    const int64_t in = *attribute_of(layer, "in_features")->get<int64_t>();
    const int64_t out = *attribute_of(layer, "out_features")->get<int64_t>();
    return one_row || in < kSmallProduct || out < kSmallProduct;
  });
}

}  // namespace

std::optional<PolicyHit> policy_for(const GraphModule& module, const Node& call, const QuantPolicy& policy) {
  if (policy.float_depthwise && has_layer_that(module, call, is_depthwise))
    return PolicyHit{"depthwise", "depthwise convolutions stay in floating point by the recipe's policy"};
  if (policy.float_first_and_last && has_layer(module, call) && is_first(module, call))
    return PolicyHit{"first_and_last", "the first layers stay in floating point by the recipe's policy"};
  if (policy.float_first_and_last && has_layer(module, call) && is_last(module, call))
    return PolicyHit{"first_and_last", "the last layers stay in floating point by the recipe's policy"};
  if (policy.float_tiny_products && is_tiny_product(module, call))
    return PolicyHit{"tiny_products", cat("products of one row, or of fewer than ", kSmallProduct,
                                          " channels, stay in floating point by the recipe's policy (rule F11)")};
  if (policy.float_global_pooling && call.op() == Symbol("FusedAdaptiveAvgPool2d"))
    return PolicyHit{"global_pooling", "global pooling stays in floating point by the recipe's policy (rule F9)"};
  return std::nullopt;
}

}  // namespace graftwork::core
