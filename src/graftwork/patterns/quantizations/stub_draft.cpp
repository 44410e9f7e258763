#include "graftwork/patterns/quantizations/stub_draft.h"

#include <algorithm>
#include <unordered_set>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/patterns/int8_guard.h"
#include "graftwork/patterns/quantizations/data_movement.h"

namespace graftwork {
namespace {

bool is_fused(const GraphModule& module, const Node& node) {
  return node.kind() == NodeKind::kCallModule &&
         KindTable::builtin().at(module.record(node).kind).family == Family::kFused;
}

bool holds(const std::vector<int64_t>& positions, size_t input) {
  return std::find(positions.begin(), positions.end(), static_cast<int64_t>(input)) != positions.end();
}

/// Why the kind reads this input in INT8.
std::string reason_for(const Kind& kind, size_t input) {
  if (kind.weight_role.empty()) return cat(kind.name.str(), " reads INT8 (rule F15)");
  if (input == 0) return cat(kind.name.str(), " reads INT8 (rule W1)");
  return "the residual operand decides the precision of the sum (rule F3)";
}

/// Why it does not.
std::string reason_against(const ModuleTable& modules, const ModuleRecord& record, const Kind& kind, size_t input) {
  if (!holds(kind.inputs_to_quantize, input)) return kind.name.str() + " runs in floating point";
  const Outcome kernel = int8_kernel_exists(modules[record.child(kind.weight_role)]);
  return kernel ? kind.name.str() + " declares no stub here" : kernel.reason();
}

bool is_stub(const Node& node) { return node.kind() == NodeKind::kCallModule && node.op() == Symbol("QuantStub"); }

StubDraft::Decision first_decision(const GraphModule& module, const Node& call, size_t input, bool brings_stubs) {
  if (is_stub(before_data_movement(call.input(input)))) return {true, true, "the network was trained with it"};
  if (brings_stubs) return {false, false, "the network was trained without a fake-quantize operator here"};
  const ModuleRecord& record = module.record(call);
  const Kind& kind = KindTable::builtin().at(record.kind);
  if (holds(*attribute_of(record, "stubs")->get<std::vector<int64_t>>(), input))
    return {true, false, reason_for(kind, input)};
  return {false, false, reason_against(module.modules(), record, kind, input)};
}

}  // namespace

StubDraft::StubDraft(const GraphModule& module) : module_(module) {
  const NodeRange nodes = module.graph().nodes();
  const bool brings_stubs = std::any_of(nodes.begin(), nodes.end(), is_stub);
  for (const Node& node : nodes) {
    if (!is_fused(module, node)) continue;
    for (size_t input = 0; input < node.input_count(); ++input) {
      decisions_[{node.module().index, input}] = first_decision(module, node, input, brings_stubs);
    }
  }
}

const StubDraft::Decision& StubDraft::decision(const Node& call, size_t input) const {
  return decisions_.at({call.module().index, input});
}

StubDraft::Decision& StubDraft::at(const Node& call, size_t input) {
  return decisions_.at({call.module().index, input});
}

void StubDraft::quantize(const Node& call, size_t input, std::string reason) {
  Decision& decision = at(call, input);
  if (decision.quantized) return;
  decision = {true, false, std::move(reason)};
  ++changes_;
}

void StubDraft::leave_float(const Node& call, size_t input, std::string reason) {
  Decision& decision = at(call, input);
  if (!decision.quantized || decision.given) return;
  decision = {false, false, std::move(reason)};
  ++changes_;
}

bool StubDraft::is_read_as_int8(const Node& value) const {
  std::vector<const Node*> open{&value};
  std::unordered_set<const Node*> seen;
  while (!open.empty()) {
    const Node& at = *open.back();
    open.pop_back();
    if (!seen.insert(&at).second) continue;
    if (!at.uses()) return false;
    for (const Use* use = at.uses(); use; use = use->next()) {
      const Node& user = *use->user();
      if (is_stub(user)) continue;
      if (is_fused(module_, user)) {
        if (!quantized(user, use->slot())) return false;
      } else if (keeps_int8(user.op())) {
        open.push_back(&user);
      } else {
        return false;
      }
    }
  }
  return true;
}

bool StubDraft::comes_from_int8_kernel(Node& value) const {
  const Node& producer = before_data_movement(value);
  if (!is_fused(module_, producer)) return false;
  return !KindTable::builtin().at(producer.op()).weight_role.empty() && quantized(producer, 0);
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

}  // namespace graftwork
