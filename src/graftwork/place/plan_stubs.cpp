#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/kind.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/place/builtin_policies.h"
#include "graftwork/place/skip_list.h"
#include "graftwork/place/stub_plan.h"
#include "graftwork/place/weight_blocks.h"

namespace graftwork::core {
namespace {

/// Whether the network was trained with this fake-quantize.
bool brings_scale(const ModuleRecord& weight_fake_quantize) {
  return weight_fake_quantize.param("scale") || weight_fake_quantize.attrs.find("given_scale");
}

class Planner {
 public:
  Planner(const GraphModule& module, const QuantConfig& config, const Backend& backend)
      : module_(module),
        config_(config),
        rules_(backend.placement),
        skip_stub_(config.skip.stub, "stub"),
        skip_weight_(config.skip.weight, "weight"),
        policy_(config.rules, config.format()),
        draft_(module, backend.placement, config.policy, config.activation.precision) {}

  StubPlan run(const QuantizationList& patterns) {
    std::vector<const ModuleRecord*> fused;
    for_each_fused([&](Node& node, const ModuleRecord& record, const Kind&) {
      if (std::find(fused.begin(), fused.end(), &record) == fused.end()) fused.push_back(&record);
      follow_recipe(node, record);
    });
    plan_.rules = policy_.hits(module_.modules(), fused);
    settle_stubs(draft_, patterns);
    plan_.warnings = draft_.warnings();
    for_each_fused(
        [this](Node& node, const ModuleRecord& record, const Kind& kind) { plan_module(node, record, kind); });
    for (const ModuleRecord* record : fused) note_squeeze_excite(*record);
    for (auto& [policy, modules] : by_policy_) plan_.rules.push_back({"policy " + policy, std::move(modules)});
    tie_inner_values();
    skip_stub_.check();
    skip_weight_.check();
    name_stubs();
    plan_.graph = fingerprint(module_);
    plan_.shared_scale_rule = rules_.shared_scale_rule;
    return std::move(plan_);
  }

 private:
  template <class Visit>
  void for_each_fused(const Visit& visit) {
    for (Node& node : module_.graph().nodes()) {
      if (node.kind() != NodeKind::kCallModule) continue;
      const ModuleRecord& record = module_.record(node);
      const Kind& kind = module_.modules().kinds().at(record.kind);
      if (kind.is_fused()) visit(node, record, kind);
    }
  }

  void follow_recipe(const Node& node, const ModuleRecord& record) {
    if (policy_.decide(module_.modules(), record).rule) draft_.exempt_from_policy(node);
    std::string reason;
    if (skip_stub_.matches(module_.modules(), record)) {
      reason = "skipped by the recipe";
      skipped_.insert(record.path);
    } else {
      reason = why_float(node, record);
    }
    if (!reason.empty()) return draft_.exclude(node, reason);
    const Precision precision = *format_of(record).activation;
    if (precision != config_.activation.precision || precision != Precision::kInt8)
      draft_.set_precision(node, precision);
  }

  LayerFormat format_of(const ModuleRecord& record) const { return policy_.decide(module_.modules(), record).format; }

  /// Why what the module reads is not quantized, by the recipe's rules and policies, or for want of a kernel.
  std::string why_float(const Node& node, const ModuleRecord& record) {
    const PolicyRules::Decision decision = policy_.decide(module_.modules(), record);
    if (decision.format.block_size > 0)
      return cat("the recipe quantizes weights in blocks, which are multiplied in floating point",
                 rules_.weight_only_rule);
    if (!decision.format.activation)
      return cat("it stays in floating point by the recipe's ", policy_.title(*decision.rule));
    if (!decision.rule) {
      if (const auto hit = policy_for(module_, node, config_.policy)) {
        std::vector<Symbol>& modules = by_policy_[hit->policy];
        const Symbol unit = name_of_unit(module_.modules(), record);
        if (std::find(modules.begin(), modules.end(), unit) == modules.end()) modules.push_back(unit);
        return hit->reason;
      }
    }
    return decision.format.activation == Precision::kFp8 ? why_no_fp8(record) : std::string();
  }

  void note_squeeze_excite(const ModuleRecord& record) {
    const bool holds = std::any_of(plan_.missing.begin(), plan_.missing.end(), [&](const MissingStub& missing) {
      return missing.reader.module == record.path && missing.reason == kFloatSqueezeExcite;
    });
    if (holds) by_policy_["squeeze_excite"].push_back(name_of_unit(module_.modules(), record));
  }

  std::string why_no_fp8(const ModuleRecord& record) const {
    if (!rules_.fp8_kernel) return {};
    for (const BodyLayer& layer : record.body->layers) {
      const Outcome kernel = rules_.fp8_kernel(module_.modules()[record.child(layer.role)]);
      if (!kernel) return kernel.reason();
    }
    return {};
  }

  void plan_module(Node& node, const ModuleRecord& record, const Kind& kind) {
    for (size_t input = 0; input < node.input_count(); ++input) {
      const StubDraft::Decision& decision = draft_.decision(node, input);
      const StubReader reader{record.path, static_cast<int64_t>(input)};
      if (!decision.quantized) {
        if (missing_.emplace(reader.module, input).second) plan_.missing.push_back({reader, decision.reason});
      } else if (decision.given) {
        add_reader(before_data_movement(node.input(input), rules_), reader, decision, Precision::kInt8);
      } else {
        add_reader(quantized_tensor(node.input(input), rules_), reader, decision, draft_.precision(node));
      }
    }
    for (const Symbol value : inner_values(kind)) plan_inner_value(node, record, value);
    plan_weights(record, node);
  }

  void plan_inner_value(const Node& node, const ModuleRecord& record, Symbol value) {
    const StubDraft::Decision& decision = draft_.decision(node, value);
    if (!inner_.emplace(record.path, value).second) return;  // a module that is called again
    const StubReader reader{record.path, 0};
    if (!decision.quantized) {
      plan_.missing.push_back({reader, decision.reason, value});
      return;
    }
    PlannedStub stub;
    stub.stub = inner_value_name(record.path, value_quantizer_role(value));
    stub.tensor = inner_value_name(record.path, value);
    stub.readers = {reader};
    stub.reason = decision.reason;
    stub.value = value;
    stub.precision = draft_.precision(node);
    plan_.stubs.push_back(std::move(stub));
  }

  /// Readers of two precisions have a stub each.
  void add_reader(Node& tensor, const StubReader& reader, const StubDraft::Decision& decision, Precision precision) {
    const auto [at, fresh] = by_tensor_.emplace(std::pair(&tensor, precision), plan_.stubs.size());
    if (fresh) {
      PlannedStub stub;
      stub.given = decision.given;
      stub.precision = precision;
      if (decision.given) stub.stub = module_.record(tensor).path;
      stub.tensor = decision.given ? tensor.input(0).name() : tensor.name();
      stub.reason = decision.reason;
      if (rules_.stops(tensor.op()))
        stub.reason += cat("; behind ", tensor.op().str(), ", which DQ does not cross", rules_.stops_dq_rule);
      if (const Node* group = draft_.scale_group(before_data_movement(tensor, rules_)))
        stub.scale_group = group->name();
      plan_.stubs.push_back(std::move(stub));
    }
    std::vector<StubReader>& readers = plan_.stubs[at->second].readers;
    const bool listed = std::any_of(readers.begin(), readers.end(), [&](const StubReader& other) {
      return other.module == reader.module && other.input == reader.input;
    });
    if (!listed) readers.push_back(reader);
  }

  void plan_weights(const ModuleRecord& record, const Node& node) {
    // Asked of all modules: one without a weight may be named.
    const bool skipped = skip_weight_.matches(module_.modules(), record);
    if (!weighed_.insert(record.path).second) return;  // a module that is called again
    for (const BodyLayer& layer : record.body->layers) plan_weight(record, node, layer, skipped);
  }

  void plan_weight(const ModuleRecord& record, const Node& node, const BodyLayer& layer, bool skipped) {
    const bool reads_quantized = draft_.reads_quantized(node, layer);
    const ModuleRecord& owner = module_.modules()[record.child(layer.role)];
    PlannedWeight weight{record.path, owner.path, false, {}};
    const LayerFormat format = format_of(record);
    if (format.block_size > 0 && !reads_quantized && !skipped) {
      weight = in_blocks(std::move(weight), owner, weight_quantizer(record, layer), format);
    } else if (!weight_quantizer(record, layer)) {
      weight.reason = draft_.decision(node, 0).reason;
    } else if (skipped) {
      weight.reason = "skipped by the recipe";
      if (reads_quantized) warn(weight, "its weight is skipped and its input is not");
    } else if (!reads_quantized) {
      weight.reason = "its input is not quantized" + rules_.both_sides_rule;
      if (skipped_.contains(record.path)) {
        warn(weight, "its input is skipped; its weight is left in floating point too");
      }
    } else {
      weight.quantized = true;
      weight.reason = rules_.weight_is_quantized;
      weight.precision =
          brings_scale(module_.modules()[weight_quantizer(record, layer)]) ? Precision::kInt8 : *format.weight;
    }
    plan_.weights.push_back(std::move(weight));
  }

  PlannedWeight in_blocks(PlannedWeight weight, const ModuleRecord& layer, ModuleId quantizer,
                          const LayerFormat& format) const {
    const int64_t size = format.block_size;
    const Outcome fit = fits_blocks(layer, size);
    weight.quantized = fit && quantizer && !brings_scale(module_.modules()[quantizer]);
    if (!weight.quantized) {
      weight.reason = fit ? "the network was trained with another rounding of it" : fit.reason();
      return weight;
    }
    weight.precision = *format.weight;
    weight.block_size = size;
    weight.reason = cat(title_of(weight.precision), " in blocks of ", size, " input channels", rules_.weight_only_rule);
    return weight;
  }

  void warn(const PlannedWeight& weight, const std::string& what) {
    plan_.warnings.push_back(
        cat(weight.layer.str(), ": ", what, "; the layer runs in floating point", rules_.both_sides_rule));
  }

  /// A value inside a kernel that is its result too has one scale, whoever reads it.
  void tie_inner_values() {
    std::unordered_map<Symbol, size_t> inner;  // by the value's name
    for (size_t i = 0; i < plan_.stubs.size(); ++i) {
      if (!plan_.stubs[i].value.empty()) inner.emplace(plan_.stubs[i].tensor, i);
    }
    if (inner.empty()) return;
    for_each_fused([&](Node& node, const ModuleRecord& record, const Kind&) {
      const Node& results = *record.body->module.graph().output();
      for (size_t i = 0; i < results.input_count(); ++i) {
        const auto own = inner.find(inner_value_name(record.path, results.input(i).name()));
        if (own == inner.end()) continue;
        for (const Node* result : result_of(node, i, results.input_count())) {
          const auto outer = by_tensor_.find({result, plan_.stubs[own->second].precision});
          if (outer != by_tensor_.end()) share_scale(plan_.stubs[outer->second], plan_.stubs[own->second]);
        }
      }
    });
  }

  /// The values of the graph that are the call's result `number`.
  static std::vector<const Node*> result_of(const Node& call, size_t number, size_t count) {
    if (count == 1) return {&call};
    std::vector<const Node*> found;
    for (const Use* use = call.uses(); use; use = use->next()) {
      const Node& user = *use->user();
      if (user.kind() == NodeKind::kGetItem && user.item_index() == static_cast<int64_t>(number))
        found.push_back(&user);
    }
    return found;
  }

  void share_scale(PlannedStub& first, PlannedStub& second) {
    if (first.scale_group.empty()) first.scale_group = first.tensor;
    const Symbol merged = std::exchange(second.scale_group, first.scale_group);
    for (PlannedStub& stub : plan_.stubs) {
      if (!merged.empty() && stub.scale_group == merged) stub.scale_group = first.scale_group;
    }
  }

  /// A group of one shares with nobody.
  void name_stubs() {
    std::unordered_map<Symbol, size_t> members;
    for (const PlannedStub& stub : plan_.stubs) ++members[stub.scale_group];
    size_t next = 0;
    for (PlannedStub& stub : plan_.stubs) {
      if (members.at(stub.scale_group) < 2) stub.scale_group = Symbol();
      while (stub.stub.empty()) {
        const Symbol name = cat("quant_stub_", next++);
        if (!module_.modules().find(name)) stub.stub = name;
      }
    }
  }

  const GraphModule& module_;
  const QuantConfig& config_;
  const PlacementRules& rules_;
  SkipList skip_stub_;
  SkipList skip_weight_;
  PolicyRules policy_;
  StubDraft draft_;
  StubPlan plan_;
  std::map<std::pair<const Node*, Precision>, size_t> by_tensor_;
  std::map<std::string, std::vector<Symbol>> by_policy_;  // modules that a policy leaves in floating point
  std::unordered_set<Symbol> weighed_;
  std::set<std::pair<Symbol, Symbol>> inner_;    // modules and inner values that were planned
  std::set<std::pair<Symbol, size_t>> missing_;  // one line for a module that is called again
  std::unordered_set<Symbol> skipped_;           // modules whose inputs the recipe names
};

}  // namespace

StubPlan plan_stubs(const GraphModule& module, const QuantConfig& config, const Backend& backend) {
  return Planner(module, config, backend).run(backend.quantizations);
}

Symbol inner_value_name(Symbol module, Symbol value) { return cat(module.str(), ".", value.str()); }

}  // namespace graftwork::core
