#include "graftwork/import/captured/functional/remove_dead.h"

#include <algorithm>
#include <string>
#include <unordered_set>

#include "graftwork/import/captured/argument_names.h"
#include "graftwork/nn/operator_call.h"

namespace graftwork::core::captured {
namespace {

/// An operator that this torch does not know may do anything: it stays, and is reported. Arithmetic does nothing.
bool is_unknown(const Call& call) { return !call.op.str().starts_with("sym.") && !find_operator(call.op); }

}  // namespace

void remove_dead(Program& program) {
  std::unordered_set<std::string> live;
  const auto note = [&](const std::string& name) { live.insert(name); };
  for (const Output& output : program.outputs) {
    if (output.kind == Output::Kind::kResult) each_name(output.arg, note);
  }
  std::vector<Call> kept;
  for (auto call = program.calls.rbegin(); call != program.calls.rend(); ++call) {
    bool is_live = is_unknown(*call);
    for (const Argument& output : call->outputs)
      each_name(output, [&](const std::string& name) { is_live = is_live || live.contains(name); });
    if (!is_live) continue;
    for (const NamedArgument& input : call->inputs) each_name(input.arg, note);
    kept.push_back(std::move(*call));
  }
  std::reverse(kept.begin(), kept.end());
  program.calls = std::move(kept);
}

}  // namespace graftwork::core::captured
