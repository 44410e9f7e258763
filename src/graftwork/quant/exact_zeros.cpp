#include "graftwork/quant/exact_zeros.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "graftwork/ir/body.h"
#include "graftwork/ir/operator_name.h"
#include "graftwork/nn/half.h"

namespace graftwork::core {
namespace {

bool magnifies(const GraphModule& module, const Use& use);

bool module_magnifies(const GraphModule& module, const ModuleRecord& record) {
  constexpr std::array kNorms{"nn.LayerNorm", "nn.GroupNorm", "nn.InstanceNorm", "nn.RMSNorm"};
  const bool norm =
      std::any_of(kNorms.begin(), kNorms.end(), [&](const char* kind) { return record.kind.str().starts_with(kind); });
  if (norm) return true;
  if (record.body) {
    for (const Node& node : record.body->module.graph().nodes()) {
      for (const Use& use : node.inputs()) {
        if (node.kind() == NodeKind::kCallFunction && magnifies(record.body->module, use)) return true;
      }
    }
  }
  return std::any_of(record.children.begin(), record.children.end(),
                     [&](const auto& child) { return module_magnifies(module, module.modules()[child.second]); });
}

/// A power that divides by its base.
bool is_negative_power(const Node& node) {
  const Attribute* exponent = node.attrs().find("exponent");
  const std::optional<double> number = exponent ? number_in(*exponent) : std::nullopt;
  return number && *number < 0;
}

bool magnifies(const GraphModule& module, const Use& use) {
  const Node& reader = *use.user();
  if (reader.kind() == NodeKind::kCallModule) return module_magnifies(module, module.record(reader));
  if (reader.kind() != NodeKind::kCallFunction) return false;
  const std::string_view name = operator_name(reader.op());
  if (name == "div") return use.slot() == 1;
  if (name == "pow") return is_negative_power(reader);
  return name == "log" || name == "log2" || name == "log10" || name == "rsqrt" || name == "reciprocal" ||
         name.ends_with("norm");
}

/// Parameters, and what moves zeros: batch norm.
bool has_parameters(const GraphModule& module, const ModuleRecord& record) {
  return !record.params.empty() || std::any_of(record.children.begin(), record.children.end(), [&](const auto& child) {
    return has_parameters(module, module.modules()[child.second]);
  });
}

}  // namespace

bool zeros_matter_behind(const GraphModule& module, const Node& value) {
  std::vector<const Node*> open{&value};
  std::unordered_set<const Node*> seen;
  while (!open.empty()) {
    const Node& at = *open.back();
    open.pop_back();
    for (const Use* use = at.uses(); use; use = use->next()) {
      const Node& reader = *use->user();
      if (magnifies(module, *use)) return true;
      const bool ends = reader.kind() == NodeKind::kCallModule && has_parameters(module, module.record(reader));
      if (!ends && seen.insert(&reader).second) open.push_back(&reader);
    }
  }
  return false;
}

}  // namespace graftwork::core
