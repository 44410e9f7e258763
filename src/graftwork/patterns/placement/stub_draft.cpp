#include "graftwork/patterns/placement/stub_draft.h"

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/kind.h"
#include "graftwork/ir/kinds/quant.h"
#include "graftwork/ir/reads_behind.h"

namespace graftwork::core {
namespace {

bool holds(const std::vector<int64_t>& positions, size_t input) {
  return std::find(positions.begin(), positions.end(), static_cast<int64_t>(input)) != positions.end();
}

/// Why the module reads this input in INT8.
std::string reason_for(const ModuleRecord& record, size_t input, const PlacementRules& rules) {
  if (record.body->layers.empty()) return cat(record.kind.str(), " ", rules.elementwise_reads);
  if (input == 0) return cat(record.kind.str(), " ", rules.layer_reads);
  return rules.residual_reads;
}

/// Why it does not.
std::string reason_against(const ModuleTable& modules, const ModuleRecord& record, size_t input) {
  const Kind& kind = modules.kinds().at(record.kind);
  if (!holds(kind.inputs_to_quantize, input)) return kind.name.str() + " runs in floating point";
  if (const Outcome kernel = has_low_precision_kernel(modules, record); !kernel) return kernel.reason();
  return kind.name.str() + " declares no stub here";
}

constexpr const char* kNotTrainedHere = "the network was trained without a fake-quantize operator here";

}  // namespace

StubDraft::StubDraft(const GraphModule& module, const PlacementRules& rules, QuantPolicy policy, Precision precision)
    : module_(module), rules_(rules), policy_(policy), precision_(precision) {
  const NodeRange nodes = module.graph().nodes();
  const bool brings_stubs = std::any_of(nodes.begin(), nodes.end(), is_quant_stub);
  const auto first = [&](const Node& call, size_t input) -> Decision {
    if (is_quant_stub(before_data_movement(call.input(input), rules)))
      return {true, true, "the network was trained with it"};
    if (brings_stubs) return {false, false, kNotTrainedHere};
    const ModuleRecord& record = module.record(call);
    const Attribute& stubs = *attribute_of(record, "stubs", module.modules().kinds());
    if (holds(*stubs.get<std::vector<int64_t>>(), input)) return {true, false, reason_for(record, input, rules)};
    return {false, false, reason_against(module.modules(), record, input)};
  };
  for (const Node& node : nodes) {
    if (!is_fused(node)) continue;
    for (size_t input = 0; input < node.input_count(); ++input)
      decisions_[{node.module().index, input}] = first(node, input);
    decide_inner_values(node, brings_stubs);
  }
}

bool StubDraft::is_fused(const Node& node) const {
  return node.kind() == NodeKind::kCallModule && module_.modules().kinds().at(node.op()).is_fused();
}

/// Those that the kind declares are quantized where the module has stubs on the inputs that it declares.
void StubDraft::decide_inner_values(const Node& call, bool brings_stubs) {
  const ModuleRecord& record = module_.record(call);
  const Kind& kind = module_.modules().kinds().at(record.kind);
  const auto& stubs = *attribute_of(record, "stubs", module_.modules().kinds())->get<std::vector<int64_t>>();
  for (const Symbol value : kind.values_to_quantize) {
    Decision& decision = inner_values_[{call.module().index, value}];
    if (brings_stubs) {
      decision = {false, false, kNotTrainedHere};
    } else if (stubs != kind.inputs_to_quantize) {
      decision = {false, false, "its module has no low-precision kernel"};
    } else {
      decision = {true, false, cat(kind.name.str(), " ", rules_.layer_reads)};
    }
  }
  for (const Symbol value : kind.quantizable_values) {
    if (!kind.input(value)) inner_values_[{call.module().index, value}] = {false, false, "nothing around asks for it"};
  }
}

QuantPolicy StubDraft::policy(const Node& call) const {
  return exempt_.contains(call.module().index) ? QuantPolicy{} : policy_;
}

Precision StubDraft::precision(const Node& call) const {
  const auto own = precisions_.find(call.module().index);
  return own == precisions_.end() ? precision_ : own->second;
}

void StubDraft::set_precision(const Node& call, Precision precision) {
  precisions_[call.module().index] = precision;
  const std::string told(title_of(Precision::kInt8)), title(title_of(precision));
  const auto rename = [&](Decision& decision) {
    const size_t at = decision.reason.find(told);
    if (decision.quantized && !decision.given && at != std::string::npos)
      decision.reason.replace(at, told.size(), title);
  };
  for (size_t input = 0; input < call.input_count(); ++input) rename(decisions_.at({call.module().index, input}));
  for (const Symbol value : inner_values(module_.modules().kinds().at(call.op())))
    rename(inner_values_.at({call.module().index, value}));
}

const StubDraft::Decision& StubDraft::decision(const Node& call, size_t input) const {
  return decisions_.at({call.module().index, input});
}

const StubDraft::Decision& StubDraft::decision(const Node& call, Symbol value) const {
  return inner_values_.at({call.module().index, value});
}

void StubDraft::change(Decision& decision, bool quantized, std::string reason) {
  if (decision.quantized == quantized || decision.given || decision.excluded) return;
  decision = {quantized, false, std::move(reason)};
  ++changes_;
}

void StubDraft::quantize(const Node& call, size_t input, std::string reason) {
  change(decisions_.at({call.module().index, input}), true, std::move(reason));
}
void StubDraft::leave_float(const Node& call, size_t input, std::string reason) {
  change(decisions_.at({call.module().index, input}), false, std::move(reason));
}
void StubDraft::quantize(const Node& call, Symbol value, std::string reason) {
  change(inner_values_.at({call.module().index, value}), true, std::move(reason));
}
void StubDraft::leave_float(const Node& call, Symbol value, std::string reason) {
  change(inner_values_.at({call.module().index, value}), false, std::move(reason));
}

void StubDraft::leave_float(const Node& call, const std::string& reason) {
  for (size_t input = 0; input < call.input_count(); ++input) leave_float(call, input, reason);
  for (const Symbol value : inner_values(module_.modules().kinds().at(call.op()))) leave_float(call, value, reason);
}

void StubDraft::exclude(const Node& call, const std::string& reason) {
  const auto out = [&](Decision& decision) {
    if (!decision.given) decision = {false, false, reason, true};
  };
  for (size_t input = 0; input < call.input_count(); ++input) out(decisions_.at({call.module().index, input}));
  for (const Symbol value : inner_values(module_.modules().kinds().at(call.op())))
    out(inner_values_.at({call.module().index, value}));
}

void StubDraft::explain(const Node& call, const std::string& reason) {
  const auto say = [&](Decision& decision) {
    const bool has_better = decision.excluded || decision.reason == kNotTrainedHere;
    if (!decision.quantized && !has_better) decision.reason = reason;
  };
  for (size_t input = 0; input < call.input_count(); ++input) say(decisions_.at({call.module().index, input}));
  for (const Symbol value : inner_values(module_.modules().kinds().at(call.op())))
    say(inner_values_.at({call.module().index, value}));
}

void StubDraft::warn(std::string text) {
  if (std::find(warnings_.begin(), warnings_.end(), text) == warnings_.end()) warnings_.push_back(std::move(text));
}

bool StubDraft::reads_quantized(const Node& call, const BodyLayer& layer) const {
  const Node& value = layer.call->input(0);
  if (value.kind() == NodeKind::kInput)
    return quantized(call, *module_.modules().kinds().at(call.op()).input(value.name()));
  const auto inner = inner_values_.find({call.module().index, value.name()});
  return inner != inner_values_.end() && inner->second.quantized;
}

bool StubDraft::is_read_as_int8(const Node& value) const {
  const auto reads = reads_behind(
      value, [&](const Node& node) { return is_quant_stub(node) || (!is_fused(node) && rules_.keeps(node)); });
  return reads && !reads->empty() && std::all_of(reads->begin(), reads->end(), [&](const Use* read) {
           return is_fused(*read->user()) && quantized(*read->user(), read->slot());
         });
}

bool StubDraft::comes_from_int8_kernel(Node& value) const {
  const Node* producer = &before_data_movement(value, rules_);
  if (producer->kind() == NodeKind::kGetItem) producer = &producer->input(0);  // one of several results
  if (!is_fused(*producer)) return false;
  const std::vector<BodyLayer>& layers = module_.record(*producer).body->layers;
  return std::any_of(layers.begin(), layers.end(),
                     [&](const BodyLayer& layer) { return reads_quantized(*producer, layer); });
}

const Node* StubDraft::leader(const Node* value) const {
  for (auto up = shared_.find(value); up != shared_.end() && up->second != value; up = shared_.find(value)) {
    value = up->second;
  }
  return value;
}

void StubDraft::share_scale(const Node& a, const Node& b, const Node& at) {
  const Node* first = leader(&a);
  const Node* second = leader(&b);
  const Node* place = &at;
  for (const Node* one : {first, second}) {
    const auto known = places_.find(one);
    if (known != places_.end() && known->second->before(*place)) place = known->second;
  }
  shared_[second] = first;
  shared_.emplace(first, first);
  places_[first] = place;
}

const Node* StubDraft::scale_group(const Node& value) const {
  const auto place = places_.find(leader(&value));
  return place == places_.end() ? nullptr : place->second;
}

}  // namespace graftwork::core
