#include "graftwork/import/captured/training.h"

#include <string_view>
#include <unordered_set>

#include "graftwork/import/captured/functional/hidden_state.h"
#include "graftwork/import/captured/origin.h"

namespace graftwork::core::captured {
namespace {

bool is_on(const Call& call, std::string_view flag) {
  const Argument* argument = call.input(flag);
  return argument && argument->get_if<bool>() && *argument->get_if<bool>();
}

/// Batch norm in any spelling that has running statistics and does not use them, and instance norm that writes them.
bool uses_the_batch(const Call& call) {
  if (writes_statistics(call)) return true;
  const Argument* mean = call.input("running_mean");
  return call.op.str().find("batch_norm") != std::string::npos && is_on(call, "training") && mean &&
         mean->is<TensorName>();
}

}  // namespace

bool drops_at_random(const Call& call) {
  if (call.op.str().find("dropout") == std::string::npos) return false;
  const Argument* rate = call.input("p");
  return is_on(call, "train") && !(rate && rate->get_if<double>() && *rate->get_if<double>() == 0);
}

std::vector<std::string> layers_in_training(const Program& program) {
  std::vector<std::string> layers;
  std::unordered_set<std::string> seen;
  for (const Call& call : program.calls) {
    if (!uses_the_batch(call) && !drops_at_random(call)) continue;
    const std::string& name = call.name.empty() ? call.op.str() : call.name;
    std::string layer = origin_of(call, name).module_path.str();
    if (seen.insert(layer).second) layers.push_back(std::move(layer));
  }
  return layers;
}

}  // namespace graftwork::core::captured
