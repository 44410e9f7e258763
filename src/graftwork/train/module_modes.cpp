#include "graftwork/train/module_modes.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/kind.h"

namespace graftwork::core {
namespace {

constexpr uint8_t kTrains = 1, kIsFrozen = 2;

bool is_batch_norm(const ModuleRecord& record) { return record.kind.str().starts_with("nn.BatchNorm"); }

bool is_inside(std::string_view path, std::string_view outer) {
  return path.starts_with(outer) && (path.size() == outer.size() || path[outer.size()] == '.');
}

ModuleId id_of(size_t index) { return {static_cast<uint32_t>(index)}; }

}  // namespace

ModuleModes::ModuleModes(const ModuleTable& modules)
    : modules_(modules),
      wanted_(modules.size(), Mode::kEval),
      frozen_(modules.size(), false),
      effective_(modules.size(), Mode::kEval) {}

void ModuleModes::set(Mode mode) {
  wanted_.assign(wanted_.size(), mode);
  apply();
}

void ModuleModes::set(std::string_view path, Mode mode) {
  std::vector<ModuleId> reached;
  for (size_t i = 0; i < wanted_.size(); ++i) {
    if (!path.empty() && is_inside(modules_[id_of(i)].path.str(), path)) reached.push_back(id_of(i));
  }
  if (reached.empty())
    throw Error("train.module", cat("the network has no module ", quoted(path)), "a path that `print` of it shows");
  std::vector<bool> seen(wanted_.size(), false);
  while (!reached.empty()) {
    const ModuleId id = reached.back();
    reached.pop_back();
    if (seen[id.index]) continue;
    seen[id.index] = true;
    wanted_[id.index] = mode;
    for (const auto& [role, child] : modules_[id].children) reached.push_back(child);
  }
  apply();
}

void ModuleModes::freeze_batch_norm() {
  for (size_t i = 0; i < frozen_.size(); ++i) {
    if (is_batch_norm(modules_[id_of(i)])) frozen_[i] = true;
  }
  apply();
}

void ModuleModes::freeze(ModuleId batch_norm) {
  frozen_[batch_norm.index] = true;
  apply();
}

std::vector<uint8_t> ModuleModes::state() const {
  std::vector<uint8_t> state;
  for (size_t i = 0; i < wanted_.size(); ++i)
    state.push_back(static_cast<uint8_t>((wanted_[i] == Mode::kTrain ? kTrains : 0) | (frozen_[i] ? kIsFrozen : 0)));
  return state;
}

void ModuleModes::restore(std::span<const uint8_t> state) {
  if (state.size() != wanted_.size())
    throw Error("train.checkpoint", cat("it has modes of ", state.size(), " modules, the network ", wanted_.size()));
  for (size_t i = 0; i < state.size(); ++i) {
    wanted_[i] = (state[i] & kTrains) != 0 ? Mode::kTrain : Mode::kEval;
    frozen_[i] = (state[i] & kIsFrozen) != 0;
  }
  apply();
}

void ModuleModes::apply() {
  for (size_t i = 0; i < wanted_.size(); ++i) effective_[i] = frozen_[i] ? Mode::kEval : wanted_[i];
}

}  // namespace graftwork::core
