#include "graftwork/import/pt2/functional/inline_wrappers.h"

#include <unordered_map>
#include <unordered_set>

#include "graftwork/base/text.h"
#include "graftwork/import/pt2/argument_names.h"

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
    for (const Node& node : nodes) {
      for (const Argument& output : node.outputs)
        each_name(output, [&](const std::string& name) { names_.insert(name); });
    }
    for (const Argument& input : graph_.inputs) each_name(input, [&](const std::string& name) { names_.insert(name); });
    Renaming renaming;  // results of calls → what computes them
    for (Node& node : nodes) add(std::move(node), renaming);
    for (Argument& output : graph_.outputs) rename(output, renaming);
    for (OutputSpec& spec : signature_.outputs) rename(spec.arg, renaming);
  }

 private:
  static void rename(Argument& argument, const Renaming& renaming) {
    each_name(argument, [&](std::string& name) {
      if (const auto found = renaming.find(name); found != renaming.end()) name = found->second;
    });
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
    adopt(sub.tensor_values, graph_.tensor_values, inner);
    adopt(sub.sym_int_values, graph_.sym_int_values, inner);
    adopt(sub.sym_float_values, graph_.sym_float_values, inner);
    adopt(sub.sym_bool_values, graph_.sym_bool_values, inner);
    for (const Node& node : sub.nodes) add(node, inner);
    for (const Argument& output : sub.outputs) collect(output, results);
    for (const Argument& output : call.outputs) collect(output, names);
    for (size_t i = 0; i < names.size(); ++i) {
      const auto inside = inner.find(results[i]);
      renaming[names[i]] = inside == inner.end() ? results[i] : inside->second;
    }
  }

  /// A value made inside keeps its name where that is free.
  void own(const std::string& name, Renaming& inner) {
    std::string unique = name;
    for (size_t k = 1; !names_.insert(unique).second; ++k) unique = cat(name, "_", k);
    inner[name] = unique;
  }

  template <class T>
  static void adopt(const NameMap<T>& from, NameMap<T>& into, const Renaming& inner) {
    for (const auto& [name, value] : from) {
      if (const auto found = inner.find(name); found != inner.end()) into.emplace(found->second, value);
    }
  }

  Graph& graph_;
  GraphSignature& signature_;
  std::unordered_set<std::string> names_;
};

}  // namespace

void inline_wrappers(ExportedProgram& program) { Inliner(program).run(); }

}  // namespace graftwork::pt2
