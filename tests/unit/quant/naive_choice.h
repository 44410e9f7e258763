// A network of which some layers are quantized, built as one of its own: what a PartialNetwork must agree with.
#pragma once

#include <set>

#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/quant/quantize.h"
#include "graftwork/rewrite/graft.h"

namespace graftwork::core::testing {

class NaiveChoice {
 public:
  NaiveChoice(const Network& network, const Network& quantized, const PlacementRules& rules)
      : network_(network), quantized_(quantized), rules_(rules) {
    for (const Node& node : network.module.graph().nodes()) in_float_.insert(node.name());
  }

  /// All `layers` but those that are `quantized` are in floating point.
  Network build(const std::set<Symbol>& layers, const std::set<Symbol>& quantized) const {
    Network made = quantized_.clone();
    std::vector<Symbol> calls;
    for (const Node& node : made.module.graph().nodes()) {
      if (node.kind() != NodeKind::kCallModule) continue;
      const Symbol path = made.module.record(node).path;
      if (layers.contains(path) && !quantized.contains(path)) calls.push_back(node.name());
    }
    for (const Symbol call : calls) put_in_float(made.module, call);
    for (bool changed = true; changed;) {
      changed = false;
      for (Node& node : made.module.graph().nodes()) {
        if (!is_new_stub(node) || is_read_by(made.module, node, quantized)) continue;
        Graft graft(made.module);
        if (!graft.replace(node, node.input(0))) continue;
        graft.apply();
        changed = true;
        break;
      }
    }
    return made;
  }

 private:
  bool is_new_stub(const Node& node) const {
    return node.op() == Symbol("QuantStub") && !in_float_.contains(node.name());
  }

  bool is_read_by(const GraphModule& module, const Node& value, const std::set<Symbol>& quantized) const {
    for (const Use* use = value.uses(); use; use = use->next()) {
      const Node& user = *use->user();
      if (user.kind() == NodeKind::kCallModule && quantized.contains(module.record(user).path)) return true;
      if (rules_.moves(user.op()) && is_read_by(module, user, quantized)) return true;
    }
    return false;
  }

  Node& past_stub(Graft& graft, Node& value) const {
    if (is_new_stub(value)) return value.input(0);
    if (!rules_.moves(value.op()) || value.input_count() != 1) return value;
    Node& source = past_stub(graft, value.input(0));
    if (&source == &value.input(0)) return value;
    return value.kind() == NodeKind::kCallModule ? graft.call_module(value.module(), {&source})
                                                 : graft.call_function(value.op(), {&source}, value.attrs());
  }

  ModuleId copy(Graft& graft, ModuleId id) const {
    ModuleRecord record = network_.module.modules()[id];
    record.path = record.path.str() + ".in_float";
    for (auto& [role, child] : record.children) child = copy(graft, child);
    return graft.add_record(std::move(record));
  }

  void put_in_float(GraphModule& module, Symbol name) const {
    for (Node& node : module.graph().nodes()) {
      if (node.name() != name) continue;
      Graft graft(module);
      std::vector<Node*> inputs;
      for (const Use& use : node.inputs()) inputs.push_back(&past_stub(graft, *use.producer()));
      Node& now = graft.call_module(copy(graft, node.module()), inputs, node.type());
      GRAFTWORK_ASSERT(graft.replace(node, now));
      graft.apply();
      return;
    }
  }

  const Network& network_;
  const Network& quantized_;
  const PlacementRules& rules_;
  std::set<Symbol> in_float_;
};

}  // namespace graftwork::core::testing
