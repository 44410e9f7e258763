#include "graftwork/import/captured/functional/inline_wrappers.h"

#include <unordered_map>

#include "graftwork/base/text.h"
#include "graftwork/import/captured/argument_names.h"
#include "graftwork/import/common/unique_names.h"

namespace graftwork::core::captured {
namespace {

using Renaming = std::unordered_map<std::string, std::string>;

void collect(const Argument& argument, std::vector<std::string>& names) {
  each_name(argument, [&](const std::string& name) { names.push_back(name); });
}

/// The subgraph and what it is called with, when the two fit.
struct Wrapper {
  std::shared_ptr<const SubGraph> graph;
  std::vector<std::string> arguments;
};

Wrapper wrapper_of(const Call& call) {
  Wrapper wrapper;
  if (!call.op.str().starts_with("higher_order.wrap_with_")) return wrapper;
  for (const NamedArgument& input : call.inputs) {
    if (const auto* sub = input.arg.get_if<std::shared_ptr<const SubGraph>>()) {
      wrapper.graph = *sub;
    } else if (wrapper.graph) {
      collect(input.arg, wrapper.arguments);
    }
  }
  if (!wrapper.graph) return wrapper;
  std::vector<std::string> parameters, results, names;
  for (const Argument& input : wrapper.graph->inputs) collect(input, parameters);
  for (const Argument& output : wrapper.graph->outputs) collect(output, results);
  for (const Argument& output : call.outputs) collect(output, names);
  if (parameters.size() != wrapper.arguments.size() || results.size() < names.size()) wrapper.graph.reset();
  return wrapper;
}

class Inliner {
 public:
  explicit Inliner(Program& program) : program_(program) {}

  void run() {
    std::vector<Call> calls = std::move(program_.calls);
    program_.calls.clear();
    const auto make = [&](const std::string& name) {
      if (name.empty()) return;  // a result that is None
      if (!names_.take(name)) made_twice(name);
    };
    for (const Input& input : program_.inputs) each_name(input.arg, make);
    for (const Call& call : calls) {
      for (const Argument& output : call.outputs) each_name(output, make);
    }
    Renaming renaming;  // results of calls → what computes them
    for (Call& call : calls) add(std::move(call), renaming);
    for (Output& output : program_.outputs) rename(output.arg, renaming);
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

  void add(Call call, Renaming& renaming) {
    for (NamedArgument& input : call.inputs) rename(input.arg, renaming);
    const Wrapper wrapper = wrapper_of(call);
    if (wrapper.graph) return inline_call(call, wrapper, renaming);
    for (Argument& output : call.outputs) rename(output, renaming);
    program_.calls.push_back(std::move(call));
  }

  void inline_call(const Call& call, const Wrapper& wrapper, Renaming& renaming) {
    const SubGraph& sub = *wrapper.graph;
    Renaming inner;
    std::vector<std::string> parameters, results, names;
    for (const Argument& input : sub.inputs) collect(input, parameters);
    for (size_t i = 0; i < parameters.size(); ++i) inner[parameters[i]] = wrapper.arguments[i];
    for (const Call& one : sub.calls) {
      for (const Argument& output : one.outputs) each_name(output, [&](const std::string& name) { own(name, inner); });
    }
    for (const Call& one : sub.calls) {
      for (const NamedArgument& input : one.inputs)
        each_name(input.arg, [&](const std::string& name) { inside(name, inner); });
    }
    for (const auto& [name, meta] : sub.tensors) {
      if (const auto found = inner.find(name); found != inner.end()) program_.tensors.emplace(found->second, meta);
    }
    for (const Call& one : sub.calls) add(one, inner);
    for (const Argument& output : sub.outputs) collect(output, results);
    for (const Argument& output : call.outputs) collect(output, names);
    for (size_t i = 0; i < names.size(); ++i) renaming[names[i]] = inside(results[i], inner);
  }

  /// A value made inside keeps its name where that is free.
  void own(const std::string& name, Renaming& inner) {
    if (name.empty()) return;
    if (!inner.emplace(name, names_.make(name)).second) made_twice(name);
  }

  Program& program_;
  UniqueNames names_;
};

}  // namespace

void inline_wrappers(Program& program) { Inliner(program).run(); }

}  // namespace graftwork::core::captured
