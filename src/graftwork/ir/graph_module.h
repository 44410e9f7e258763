// A network: graph, module records, signature.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "graftwork/ir/graph.h"
#include "graftwork/ir/module_table.h"

namespace graftwork::core {

/// Names of the results, in the order of the output node's inputs. Inputs are named by their nodes.
struct Signature {
  std::vector<Symbol> outputs;
};

class GraphModule {
 public:
  GraphModule() : graph_(std::make_unique<Graph>()) {}
  /// A network whose modules may be of these kinds.
  explicit GraphModule(std::shared_ptr<const KindTable> kinds)
      : graph_(std::make_unique<Graph>()), modules_(std::move(kinds)) {}

  Graph& graph() { return *graph_; }
  const Graph& graph() const { return *graph_; }
  ModuleTable& modules() { return modules_; }
  const ModuleTable& modules() const { return modules_; }
  Signature& signature() { return signature_; }
  const Signature& signature() const { return signature_; }

  /// The record that a call_module node calls.
  const ModuleRecord& record(const Node& node) const { return modules_[node.module()]; }

  /// Its modules may be of these kinds from now on, as ModuleTable::use_kinds says. Throws Error "ir.kind" where an
  /// operator of the graph has the name of one, too.
  void use_kinds(std::shared_ptr<const KindTable> kinds);

  /// Builders. Types of calls are inferred; where a kind has no shape function `type` is taken.
  /// Throws Error "ir.shape" when the inputs do not fit, and "ir.kind" for an operator that has the name of a kind:
  /// what matches modules would take it for one.
  Node& add_input(Symbol name, Type type);
  Node& add_constant(Symbol name, ParamExpr value, Origin origin = {});
  Node& add_call_module(Symbol name, ModuleId module, std::span<Node* const> inputs, Origin origin = {});
  Node& add_call_function(Symbol op, Symbol name, std::span<Node* const> inputs, AttrMap attrs, Type type = {},
                          Origin origin = {});
  /// A call whose result's type does not matter: in a body.
  Node& add_untyped_call(Symbol op, Symbol name, std::span<Node* const> inputs, AttrMap attrs);
  Node& add_get_item(Symbol name, Node& tuple, int64_t index, Origin origin = {});
  Node& add_output(std::span<Node* const> results, std::vector<Symbol> names);

  /// A copy that shares nothing mutable (parameter expressions are immutable).
  GraphModule clone() const;

  /// Leaf names and types of every parameter that the graph reads, in name order.
  std::map<std::string, TensorType> parameters() const;

 private:
  std::unique_ptr<Graph> graph_;
  ModuleTable modules_;
  Signature signature_;
};

/// What a new node must be like; shared by the builders above and by grafts.
NodeSpec call_module_spec(const ModuleTable& modules, ModuleId module, std::span<Node* const> inputs);
NodeSpec call_function_spec(Symbol op, std::span<Node* const> inputs, AttrMap attrs, Type fallback);
NodeSpec get_item_spec(const Node& tuple, int64_t index);
/// Type of an element; unknown where the tuple's is. Throws Error "ir.shape" when there is no such element.
Type item_type(const Type& tuple, int64_t index);
NodeSpec constant_spec(ParamExpr value);

}  // namespace graftwork::core
