// The way around Graft, for tests of the graph itself and for tests that damage one.
#pragma once

#include "graftwork/ir/graph_module.h"

namespace graftwork::core {

struct GraphTestAccess {
  static Node& stage(Graph& graph, NodeSpec spec, std::span<Node* const> inputs) {
    return graph.stage(std::move(spec), inputs);
  }
  static void link_before(Graph& graph, Node& staged, Node& at) { graph.link_before(staged, at); }
  static void discard(Graph& graph, Node& staged) { graph.discard(staged); }
  static void replace_all_uses(Graph& graph, Node& old, Node& now) { graph.replace_all_uses(old, now); }
  static void set_input(Graph& graph, Node& node, size_t slot, Node& producer) {
    graph.set_input(node, slot, producer);
  }
  static void erase(Graph& graph, Node& node) { graph.erase(node); }
  static void set_type(Graph& graph, Node& node, Type type) { graph.set_type(node, std::move(type)); }
  static void set_name(Graph& graph, Node& node, Symbol name) { graph.set_name(node, name); }

  static ModuleRecord& edit(ModuleTable& modules, ModuleId id) { return modules.records_[id.index]; }
  static void truncate(ModuleTable& modules, size_t size) { modules.truncate(size); }
};

}  // namespace graftwork::core
