#include "graftwork/ir/verify.h"

#include <unordered_set>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/kind.h"

namespace graftwork::core {
namespace {

[[noreturn]] void fail(const Node& node, const std::string& what) {
  throw InternalError(cat("the graph is broken at %", node.name().str(), " (", node.op().str(), "): ", what));
}

void check_links(const Node& node) {
  for (const Use& use : node.inputs()) {
    if (use.user() != &node) fail(node, "an operand slot belongs to another node");
    if (!use.producer() || !use.producer()->alive()) fail(node, cat("operand ", use.slot(), " was erased"));
    if (!use.producer()->before(node)) fail(node, cat("operand ", use.slot(), " stands behind its user"));
  }
  size_t count = 0;
  for (const Use* use = node.uses(); use; use = use->next()) {
    if (use->producer() != &node) fail(node, "a use in the list reads another node");
    if (!use->user()->alive()) fail(node, "an erased node still uses it");
    ++count;
  }
  if (count != node.use_count()) fail(node, "the number of uses is wrong");
}

void check_record(const Node& node, const ModuleRecord& record, const ModuleTable& modules) {
  const Kind* kind = modules.kinds().find(record.kind);
  if (!kind) fail(node, cat("kind ", record.kind.str(), " is unknown"));
  try {
    check_attributes(record, modules.kinds());
  } catch (const Error& error) {
    fail(node, error.message());
  }
  for (const auto& [name, expr] : record.params) {
    if (!kind->param(name)) fail(node, cat(record.kind.str(), " has no parameter ", name.str()));
    const auto expected = kind->param_type ? kind->param_type(record, name) : std::nullopt;
    if (expected && expected->dims != expr.type().dims) {
      fail(node, cat("parameter ", name.str(), " is ", expr.type().text(), ", its kind implies ", expected->text()));
    }
  }
  for (const ParamSpec& spec : kind->params) {
    if (!spec.optional && !record.param(spec.name)) fail(node, cat("parameter ", spec.name.str(), " is missing"));
  }
  for (const auto& [role, child] : record.children) {
    if (!child || child.index >= modules.size()) fail(node, cat("part ", role.str(), " has no record"));
    check_record(node, modules[child], modules);
  }
}

/// Operators may know more than their shape function (an importer told them); modules may not.
void check_type(const GraphModule& module, const Node& node) {
  std::vector<Type> inputs;
  for (const Use& use : node.inputs()) inputs.push_back(use.producer()->type());
  Type inferred;
  try {
    inferred = infer_module(module.record(node), inputs, module.modules());
  } catch (const Error& error) {
    fail(node, error.message());
  }
  if (!compatible(inferred, node.type())) {
    fail(node, cat("its type is ", node.type().text(), ", its kind infers ", inferred.text()));
  }
}

}  // namespace

void verify(const GraphModule& module) {
  const Graph& graph = module.graph();
  if (!graph.output()) throw InternalError("the graph has no output");
  std::unordered_set<Symbol> names;
  for (const Node& node : graph.nodes()) {
    check_links(node);
    if (!node.name().empty() && !names.insert(node.name()).second) fail(node, "another value has this name");
    if (node.kind() == NodeKind::kOutput && &node != graph.output()) fail(node, "there are two outputs");
    if (!node.before(*graph.output()) && &node != graph.output()) fail(node, "it stands behind the output");
    if (node.kind() != NodeKind::kCallModule) continue;
    check_record(node, module.record(node), module.modules());
    check_type(module, node);
  }
  if (module.signature().outputs.size() != graph.output()->input_count()) {
    fail(*graph.output(), "the signature names another number of results");
  }
}

}  // namespace graftwork::core
