#include "graftwork/import/pt2/functional/inline_wrappers.h"

#include <unordered_map>

#include "graftwork/base/text.h"
#include "graftwork/import/common/unique_names.h"
#include "graftwork/import/pt2/argument_names.h"
#include "graftwork/import/pt2/call.h"

namespace graftwork::pt2 {
namespace {

using Renaming = std::unordered_map<std::string, std::string>;

void collect(const Argument& argument, std::vector<std::string>& names) {
  each_name(argument, [&](const std::string& name) { names.push_back(name); });
}

/// The subgraph and what it is called with, when the two fit.
struct Wrapper {
  const Graph* graph = nullptr;
  std::vector<std::string> arguments;
};

Wrapper wrapper_of(const Node& node) {
  Wrapper wrapper;
  if (!node.target.starts_with("torch.ops.higher_order.wrap_with_")) return wrapper;
  for (const NamedArgument& input : node.inputs) {
    if (const auto* sub = input.arg.get_if<SubGraph>()) {
      wrapper.graph = sub->graph.get();
    } else if (wrapper.graph != nullptr) {
      collect(input.arg, wrapper.arguments);
    }
  }
  if (wrapper.graph == nullptr) return wrapper;
  std::vector<std::string> parameters, results, names;
  for (const Argument& input : wrapper.graph->inputs) collect(input, parameters);
  for (const Argument& output : wrapper.graph->outputs) collect(output, results);
  for (const Argument& output : node.outputs) collect(output, names);
  if (parameters.size() != wrapper.arguments.size() || results.size() < names.size()) wrapper.graph = nullptr;
  return wrapper;
}

class Inliner {
 public:
  explicit Inliner(ExportedProgram& program) : graph_(program.graph), signature_(program.signature) {}

  void run() {
    std::vector<Node> nodes = std::move(graph_.nodes);
    graph_.nodes.clear();
    const auto make = [&](const std::string& name) {
      if (name.empty()) return;  // a result that is None
      if (!names_.take(name)) made_twice(name);
    };
    for (const Argument& input : graph_.inputs) each_name(input, make);
    for (const Node& node : nodes) {
      for (const Argument& output : node.outputs) each_name(output, make);
    }
    Renaming renaming;  // results of calls → what computes them
    for (Node& node : nodes) add(std::move(node), renaming);
    for (Argument& output : graph_.outputs) rename(output, renaming);
    for (OutputSpec& spec : signature_.outputs) rename(spec.arg, renaming);
  }

 private:
  [[noreturn]] static void made_twice(const std::string& name) { contradiction("%" + name + " is made twice"); }

  static void rename(Argument& argument, const Renaming& renaming) {
    each_name(argument, [&](std::string& name) {
      if (const auto found = renaming.find(name); found != renaming.end()) name = found->second;
    });
  }

  /// A subgraph sees what it is given and what it makes, nothing else.
  static const std::string& inside(const std::string& name, const Renaming& inner) {
    const auto found = inner.find(name);
    if (found == inner.end()) contradiction(cat("a subgraph reads %", name, ", which it neither gets nor makes"));
    return found->second;
  }

  void add(Node node, Renaming& renaming) {
    for (NamedArgument& input : node.inputs) rename(input.arg, renaming);
    const Wrapper wrapper = wrapper_of(node);
    if (wrapper.graph != nullptr) return inline_call(node, wrapper, renaming);
    for (Argument& output : node.outputs) rename(output, renaming);
    graph_.nodes.push_back(std::move(node));
  }

  void inline_call(const Node& call, const Wrapper& wrapper, Renaming& renaming) {
    const Graph& sub = *wrapper.graph;
    Renaming inner;
    std::vector<std::string> parameters, results, names;
    for (const Argument& input : sub.inputs) collect(input, parameters);
    for (size_t i = 0; i < parameters.size(); ++i) inner[parameters[i]] = wrapper.arguments[i];
    for (const Node& node : sub.nodes) {
      for (const Argument& output : node.outputs) each_name(output, [&](const std::string& name) { own(name, inner); });
    }
    for (const Node& node : sub.nodes) {
      for (const NamedArgument& input : node.inputs)
        each_name(input.arg, [&](const std::string& name) { inside(name, inner); });
    }
    adopt(sub.tensor_values, graph_.tensor_values, inner);
    adopt(sub.sym_int_values, graph_.sym_int_values, inner);
    adopt(sub.sym_float_values, graph_.sym_float_values, inner);
    adopt(sub.sym_bool_values, graph_.sym_bool_values, inner);
    for (const Node& node : sub.nodes) add(node, inner);
    for (const Argument& output : sub.outputs) collect(output, results);
    for (const Argument& output : call.outputs) collect(output, names);
    for (size_t i = 0; i < names.size(); ++i) renaming[names[i]] = inside(results[i], inner);
  }

  /// A value made inside keeps its name where that is free.
  void own(const std::string& name, Renaming& inner) {
    if (name.empty()) return;
    if (!inner.emplace(name, names_.make(name)).second) made_twice(name);
  }

  template <class T>
  static void adopt(const NameMap<T>& from, NameMap<T>& into, const Renaming& inner) {
    for (const auto& [name, value] : from) {
      if (const auto found = inner.find(name); found != inner.end()) into.emplace(found->second, value);
    }
  }

  Graph& graph_;
  GraphSignature& signature_;
  UniqueNames names_;
};

}  // namespace

void inline_wrappers(ExportedProgram& program) { Inliner(program).run(); }

}  // namespace graftwork::pt2
