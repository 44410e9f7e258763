#include "graftwork/place/policy_rules.h"

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/kinds/quant.h"
#include "graftwork/place/skip_list.h"

namespace graftwork::core {
namespace {

bool is_inside(const std::string& path, const std::string& scope) {
  for (size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.', dot + 1)) {
    if (fits_pattern(path.substr(0, dot), scope)) return true;
  }
  return false;
}

}  // namespace

Symbol name_of_unit(const ModuleTable& modules, const ModuleRecord& fused) {
  const std::vector<BodyLayer>& layers = fused.body->layers;
  return layers.empty() ? fused.path : modules[fused.child(layers.front().role)].path;
}

bool PolicyRule::fits(const ModuleTable& modules, const ModuleRecord& fused) const {
  const auto has_all = [this](const ModuleRecord& module) {
    const std::string& path = module.path.str();
    return (name.empty() || fits_pattern(path, name)) && (type.empty() || fits_pattern(module.kind.str(), type)) &&
           (scope.empty() || is_inside(path, scope));
  };
  if (has_all(fused)) return true;
  return std::any_of(fused.children.begin(), fused.children.end(), [&](const auto& part) {
    const ModuleRecord& module = modules[part.second];
    return !is_quantizer(module.kind) && has_all(module);
  });
}

std::string PolicyRule::text() const {
  std::vector<std::string> asked;
  if (!name.empty()) asked.push_back("name " + name);
  if (!type.empty()) asked.push_back("type " + type);
  if (!scope.empty()) asked.push_back("scope " + scope);
  return cat(join(asked), ": ", format.text());
}

PolicyRules::PolicyRules(std::vector<PolicyRule> rules, LayerFormat otherwise)
    : rules_(std::move(rules)), otherwise_(otherwise) {}

PolicyRules::Decision PolicyRules::decide(const ModuleTable& modules, const ModuleRecord& fused) const {
  for (size_t i = 0; i < rules_.size(); ++i) {
    if (rules_[i].fits(modules, fused)) return {rules_[i].format, i};
  }
  return {otherwise_, std::nullopt};
}

std::string PolicyRules::title(size_t rule) const { return cat("rule ", rule + 1, " (", rules_[rule].text(), ")"); }

std::vector<RuleHits> PolicyRules::hits(const ModuleTable& modules,
                                        const std::vector<const ModuleRecord*>& fused) const {
  std::vector<RuleHits> found;
  std::vector<bool> fits(rules_.size(), false);
  for (size_t i = 0; i < rules_.size(); ++i) found.push_back({title(i), {}});
  for (const ModuleRecord* module : fused) {
    for (size_t i = 0; i < rules_.size(); ++i) fits[i] = fits[i] || rules_[i].fits(modules, *module);
    if (const auto rule = decide(modules, *module).rule) found[*rule].modules.push_back(name_of_unit(modules, *module));
  }
  std::vector<std::string> idle;
  for (size_t i = 0; i < rules_.size(); ++i) {
    if (!fits[i]) idle.push_back(title(i));
  }
  if (!idle.empty())
    throw Error("config.policy", cat(join(idle), idle.size() == 1 ? " fits" : " fit", " no module of this network"),
                "a module that the transformed network shows when it is printed");
  return found;
}

}  // namespace graftwork::core
