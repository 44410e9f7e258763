#include "graftwork/import/pt2/functional/remove_dead.h"

#include <algorithm>
#include <string>
#include <unordered_set>

#include "graftwork/import/pt2/argument_names.h"
#include "graftwork/import/pt2/operator_name.h"
#include "graftwork/nn/operator_call.h"

namespace graftwork::pt2 {
namespace {

/// An operator that this torch does not know may do anything: it stays, and is reported.
bool is_unknown(const Node& node) {
  return node.target.starts_with("torch.ops.") && !find_operator(operator_name(node.target));
}

}  // namespace

void remove_dead(ExportedProgram& program) {
  std::unordered_set<std::string> live;
  const auto note = [&](const std::string& name) { live.insert(name); };
  for (const OutputSpec& spec : program.signature.outputs) {
    if (spec.kind == OutputSpec::Kind::kUserOutput || spec.kind == OutputSpec::Kind::kLoss) each_name(spec.arg, note);
  }
  std::vector<Node> kept;
  for (auto node = program.graph.nodes.rbegin(); node != program.graph.nodes.rend(); ++node) {
    bool is_live = is_unknown(*node);
    for (const Argument& output : node->outputs)
      each_name(output, [&](const std::string& name) { is_live = is_live || live.contains(name); });
    if (!is_live) continue;
    for (const NamedArgument& input : node->inputs) each_name(input.arg, note);
    kept.push_back(std::move(*node));
  }
  std::reverse(kept.begin(), kept.end());
  program.graph.nodes = std::move(kept);
}

}  // namespace graftwork::pt2
