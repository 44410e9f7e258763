#include "graftwork/import/captured/functional/hidden_state.h"

#include <array>
#include <string_view>
#include <unordered_set>

#include "graftwork/import/captured/argument_names.h"

namespace graftwork::core::captured {
namespace {

constexpr std::array<std::string_view, 2> kStatistics{"running_mean", "running_var"};

bool is_statistics(std::string_view name) { return name == kStatistics[0] || name == kStatistics[1]; }

bool is_true(const Argument* argument) {
  const auto* flag = argument != nullptr ? argument->get_if<bool>() : nullptr;
  return flag != nullptr && *flag;
}

}  // namespace

bool writes_statistics(const Call& call) {
  std::string_view flag;
  if (call.op == Symbol("aten.batch_norm.default")) flag = "training";
  if (call.op == Symbol("aten.instance_norm.default")) flag = "use_input_stats";
  if (flag.empty() || !is_true(call.input(flag))) return false;
  const Argument* mean = call.input(kStatistics[0]);
  return mean != nullptr && mean->is<TensorName>();
}

std::vector<std::string> take_statistics(Call& call) {
  std::vector<std::string> names;
  for (NamedArgument& input : call.inputs) {
    if (!is_statistics(input.name)) continue;
    each_tensor_name(input.arg, [&](const std::string& name) { names.push_back(name); });
    input.arg.value = None{};
  }
  return names;
}

void take_unread_statistics(Program& program) {
  std::unordered_set<std::string> read;
  const auto note = [&](const std::string& name) { read.insert(name); };
  for (const Call& call : program.calls) {
    for (const NamedArgument& input : call.inputs) each_tensor_name(input.arg, note);
  }
  for (const Output& output : program.outputs) {
    if (output.kind == Output::Kind::kResult) each_tensor_name(output.arg, note);
  }
  for (Call& call : program.calls) {
    if (call.op != Symbol("aten._native_batch_norm_legit_functional.default")) continue;
    if (!is_true(call.input("training")) || call.outputs.size() != 5) continue;
    bool unread = true;
    for (size_t i = 3; i < call.outputs.size(); ++i)
      each_tensor_name(call.outputs[i], [&](const std::string& name) { unread = unread && !read.contains(name); });
    if (!unread) continue;
    call.op = "aten._native_batch_norm_legit.no_stats";
    call.outputs.resize(3);
    std::erase_if(call.inputs, [](const NamedArgument& input) { return is_statistics(input.name); });
  }
}

}  // namespace graftwork::core::captured
