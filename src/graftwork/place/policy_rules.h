// Rules of a recipe: which layers are quantized to what.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graftwork/ir/module_table.h"
#include "graftwork/place/layer_format.h"

namespace graftwork::core {

/// Fits a fused module when it, or one of its parts, has all that is asked for. Each may hold `*`; empty asks for
/// nothing.
struct PolicyRule {
  std::string name;   ///< Of its path: "layer4.*.conv1".
  std::string type;   ///< Of its kind: "nn.Conv2d", "FusedConvBN".
  std::string scope;  ///< Of the path of a module that holds it: "layer4".
  LayerFormat format;

  bool fits(const ModuleTable& modules, const ModuleRecord& fused) const;
  /// "name layer4.*, type nn.Conv2d: floating point".
  std::string text() const;
};

/// What a rule decided.
struct RuleHits {
  std::string rule;             ///< Its number and text, or the name of a policy.
  std::vector<Symbol> modules;  ///< By the path of their first layer; of those without one by their own.
};

/// As RuleHits::modules names it.
Symbol name_of_unit(const ModuleTable& modules, const ModuleRecord& fused);

/// The first rule that fits decides.
class PolicyRules {
 public:
  /// `otherwise`: of modules that no rule fits.
  PolicyRules(std::vector<PolicyRule> rules, LayerFormat otherwise);

  struct Decision {
    LayerFormat format;
    std::optional<size_t> rule;  ///< Which one; none: `otherwise`.
  };
  Decision decide(const ModuleTable& modules, const ModuleRecord& fused) const;
  /// "rule 2 (type nn.Linear: FP8)".
  std::string title(size_t rule) const;
  /// All fused modules of a network, once each. Throws Error "config.policy" that names the rules which fit none of
  /// them.
  std::vector<RuleHits> hits(const ModuleTable& modules, const std::vector<const ModuleRecord*>& fused) const;

 private:
  std::vector<PolicyRule> rules_;
  LayerFormat otherwise_;
};

}  // namespace graftwork::core
