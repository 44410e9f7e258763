#include "graftwork/import/pt2/functional/hidden_state.h"

#include <array>
#include <string_view>
#include <unordered_set>

#include "graftwork/import/pt2/argument_names.h"

namespace graftwork::pt2 {
namespace {

constexpr std::array<std::string_view, 2> kStatistics{"running_mean", "running_var"};

bool is_statistics(std::string_view name) { return name == kStatistics[0] || name == kStatistics[1]; }

const Argument* argument(const Node& node, std::string_view name) {
  for (const NamedArgument& input : node.inputs) {
    if (input.name == name) return &input.arg;
  }
  return nullptr;
}

bool is_true(const Argument* argument) {
  const auto* flag = argument != nullptr ? argument->get_if<bool>() : nullptr;
  return flag != nullptr && *flag;
}

}  // namespace

bool writes_statistics(const Node& node) {
  std::string_view flag;
  if (node.target == "torch.ops.aten.batch_norm.default") flag = "training";
  if (node.target == "torch.ops.aten.instance_norm.default") flag = "use_input_stats";
  if (flag.empty() || !is_true(argument(node, flag))) return false;
  const Argument* mean = argument(node, kStatistics[0]);
  return mean != nullptr && mean->is<TensorName>();
}

std::vector<std::string> take_statistics(Node& node) {
  std::vector<std::string> names;
  for (NamedArgument& input : node.inputs) {
    if (!is_statistics(input.name)) continue;
    each_tensor_name(input.arg, [&](const std::string& name) { names.push_back(name); });
    input.arg.value = None{};
  }
  return names;
}

void take_unread_statistics(ExportedProgram& program) {
  std::unordered_set<std::string> read;
  const auto note = [&](const std::string& name) { read.insert(name); };
  for (const Node& node : program.graph.nodes) {
    for (const NamedArgument& input : node.inputs) each_tensor_name(input.arg, note);
  }
  for (const OutputSpec& spec : program.signature.outputs) {
    if (spec.kind == OutputSpec::Kind::kUserOutput) each_tensor_name(spec.arg, note);
  }
  for (Node& node : program.graph.nodes) {
    if (node.target != "torch.ops.aten._native_batch_norm_legit_functional.default") continue;
    if (!is_true(argument(node, "training")) || node.outputs.size() != 5) continue;
    bool unread = true;
    for (size_t i = 3; i < node.outputs.size(); ++i)
      each_tensor_name(node.outputs[i], [&](const std::string& name) { unread = unread && !read.contains(name); });
    if (!unread) continue;
    node.target = "torch.ops.aten._native_batch_norm_legit.no_stats";
    node.outputs.resize(3);
    std::erase_if(node.inputs, [](const NamedArgument& input) { return is_statistics(input.name); });
  }
}

}  // namespace graftwork::pt2
