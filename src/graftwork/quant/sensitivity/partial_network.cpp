#include "graftwork/quant/sensitivity/partial_network.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "graftwork/base/error.h"
#include "graftwork/ir/kinds/quant.h"

namespace graftwork::core {
namespace {

std::unordered_map<Symbol, const Node*> by_name(const Graph& graph) {
  std::unordered_map<Symbol, const Node*> nodes;
  for (const Node& node : graph.nodes()) nodes.emplace(node.name(), &node);
  return nodes;
}

std::vector<at::Tensor> tensors_of(std::vector<c10::IValue> values) {
  std::vector<at::Tensor> tensors;
  for (const c10::IValue& value : values) {
    if (!value.isTensor()) throw Error("nn.output", "a result of the network is no tensor");
    tensors.push_back(value.toTensor());
  }
  return tensors;
}

}  // namespace

PartialNetwork::PartialNetwork(const Network& network, const Network& quantized, std::span<const Symbol> modules,
                               const PlacementRules& rules)
    : float_(network), quantized_(quantized), graph_(quantized.module.graph()), layer_count_(modules.size()) {
  std::unordered_map<Symbol, size_t> layers;
  for (size_t i = 0; i < modules.size(); ++i) layers.emplace(modules[i], i);
  const std::unordered_map<Symbol, const Node*> twins = by_name(network.module.graph());
  std::unordered_map<const Node*, size_t> at;
  for (const Node& node : graph_.nodes()) {
    if (node.kind() == NodeKind::kOutput) {
      for (const Use& use : node.inputs()) results_.push_back(at.at(use.producer()));
      continue;
    }
    at.emplace(&node, places_.size());
    if (node.kind() == NodeKind::kInput) inputs_.push_back(places_.size());
    Place& place = places_.emplace_back();
    place.node = &node;
    for (const Use& use : node.inputs()) place.operands.push_back(at.at(use.producer()));
    place.is_stub = is_quant_stub(node) && !twins.contains(node.name());
    if (node.kind() != NodeKind::kCallModule) continue;
    const auto layer = layers.find(quantized.module.record(node).path);
    if (layer == layers.end()) continue;
    place.layer = layer->second;
    place.in_float = twins.at(node.name());
  }
  link(rules);
}

void PartialNetwork::link(const PlacementRules& rules) {
  std::vector<size_t> last_use(places_.size());
  std::iota(last_use.begin(), last_use.end(), size_t{0});
  for (size_t i = 0; i < places_.size(); ++i) {
    Place& place = places_[i];
    for (const size_t operand : place.operands) {
      last_use[operand] = i;
      if (place.layer == SIZE_MAX) continue;
      Bypass bypass;
      size_t from = operand;
      while (!places_[from].is_stub && rules.moves(places_[from].node->op()) && places_[from].operands.size() == 1) {
        bypass.moves.insert(bypass.moves.begin(), places_[from].node);
        from = places_[from].operands[0];
      }
      if (places_[from].is_stub) {
        places_[from].readers.push_back(place.layer);
        bypass.source = places_[from].operands[0];
      } else {
        bypass = {operand, {}};
      }
      last_use[bypass.source] = i;
      place.bypasses.push_back(std::move(bypass));
    }
  }
  for (const size_t result : results_) last_use[result] = places_.size();
  for (size_t i = 0; i < places_.size(); ++i) {
    if (last_use[i] < places_.size()) places_[last_use[i]].dying.push_back(i);
  }
}

bool PartialNetwork::is_active(const Place& stub, const LayerChoice& choice) {
  return std::any_of(stub.readers.begin(), stub.readers.end(), [&](size_t layer) { return choice[layer]; });
}

template <class Visit>
void PartialNetwork::for_operands(const Place& place, const LayerChoice& choice, Visit&& visit) {
  if (place.layer != SIZE_MAX && !choice[place.layer]) {
    for (const Bypass& bypass : place.bypasses) visit(bypass.source);
  } else {
    for (const size_t operand : place.operands) visit(operand);
  }
}

template <class Value>
c10::IValue PartialNetwork::compute(const Place& place, const LayerChoice& choice, Value&& value) const {
  const Node& node = *place.node;
  if (node.kind() == NodeKind::kGetItem)
    return value(place.operands[0]).toTupleRef().elements().at(static_cast<size_t>(node.item_index()));
  if (place.is_stub && !is_active(place, choice)) return value(place.operands[0]);
  std::vector<c10::IValue> operands;
  if (place.layer == SIZE_MAX || choice[place.layer]) {
    for (const size_t operand : place.operands) operands.push_back(value(operand));
    return quantized_.run_node(node, operands);
  }
  for (const Bypass& bypass : place.bypasses) {
    c10::IValue moved = value(bypass.source);
    for (const Node* move : bypass.moves) moved = quantized_.run_node(*move, {&moved, 1});
    operands.push_back(std::move(moved));
  }
  return float_.run_node(*place.in_float, operands);
}

std::vector<at::Tensor> PartialNetwork::run(const LayerChoice& choice, std::span<const at::Tensor> inputs) const {
  GRAFTWORK_ASSERT(inputs.size() == inputs_.size());
  std::vector<c10::IValue> values(places_.size());
  size_t next_input = 0;
  for (size_t i = 0; i < places_.size(); ++i) {
    const Place& place = places_[i];
    values[i] = place.node->kind() == NodeKind::kInput
                    ? c10::IValue(inputs[next_input++])
                    : compute(place, choice, [&](size_t at) -> const c10::IValue& { return values[at]; });
    for (const size_t dead : place.dying) values[dead] = c10::IValue();
  }
  std::vector<c10::IValue> results;
  for (const size_t result : results_) results.push_back(values[result]);
  return tensors_of(results);
}

ChoiceVariants::ChoiceVariants(const PartialNetwork& network, LayerChoice base, std::span<const at::Tensor> inputs)
    : network_(network),
      base_(std::move(base)),
      begins_(network.layers(), SIZE_MAX),
      order_(network.layers()),
      values_(network.places_.size()),
      known_(network.places_.size(), false) {
  GRAFTWORK_ASSERT(base_.size() == network.layers() && inputs.size() == network.inputs_.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    values_[network.inputs_[i]] = inputs[i];
    known_[network.inputs_[i]] = true;
  }
  for (size_t i = 0; i < network.places_.size(); ++i) {
    const PartialNetwork::Place& place = network.places_[i];
    const auto begins_here = [&](size_t layer) { begins_[layer] = std::min(begins_[layer], i); };
    if (place.layer != SIZE_MAX) begins_here(place.layer);
    for (const size_t reader : place.readers) begins_here(reader);
  }
  std::iota(order_.begin(), order_.end(), size_t{0});
  std::ranges::stable_sort(order_, {}, [&](size_t layer) { return begins_[layer]; });
}

std::vector<at::Tensor> ChoiceVariants::run(size_t layer) {
  const std::vector<PartialNetwork::Place>& places = network_.places_;
  LayerChoice choice = base_;
  choice[layer] = !choice[layer];
  advance(begins_[layer]);
  std::vector<c10::IValue> values(places.size());
  std::vector<bool> differs(places.size(), false);
  const auto value = [&](size_t at) -> const c10::IValue& { return differs[at] ? values[at] : base_value(at); };
  for (size_t i = begins_[layer]; i < places.size(); ++i) {
    const PartialNetwork::Place& place = places[i];
    const bool turns = place.layer == layer || (place.is_stub && PartialNetwork::is_active(place, choice) !=
                                                                     PartialNetwork::is_active(place, base_));
    differs[i] = turns;
    PartialNetwork::for_operands(place, choice, [&](size_t operand) { differs[i] = differs[i] || differs[operand]; });
    if (differs[i]) {
      values[i] = network_.compute(place, choice, value);
      ++computed_;
    }
    for (const size_t dead : place.dying) values[dead] = c10::IValue();
  }
  std::vector<c10::IValue> results;
  for (const size_t result : network_.results_) results.push_back(value(result));
  return tensors_of(results);
}

void ChoiceVariants::advance(size_t place) {
  GRAFTWORK_ASSERT(place >= passed_);
  for (; passed_ < place; ++passed_) {
    compute_base(passed_);
    for (const size_t dead : network_.places_[passed_].dying) values_[dead] = c10::IValue();
  }
}

/// Of places ahead of the base too: what they need is computed with them, and kept until the base has passed it.
const c10::IValue& ChoiceVariants::base_value(size_t place) {
  if (known_[place]) return values_[place];
  std::vector<bool> needed(network_.places_.size(), false);
  needed[place] = true;
  for (size_t i = place + 1; i-- > passed_;) {
    if (!needed[i] || known_[i]) continue;
    PartialNetwork::for_operands(network_.places_[i], base_, [&](size_t operand) { needed[operand] = true; });
  }
  for (size_t i = passed_; i <= place; ++i) {
    if (needed[i]) compute_base(i);
  }
  return values_[place];
}

void ChoiceVariants::compute_base(size_t place) {
  if (known_[place]) return;
  values_[place] =
      network_.compute(network_.places_[place], base_, [&](size_t at) -> const c10::IValue& { return values_[at]; });
  known_[place] = true;
  ++computed_;
}

}  // namespace graftwork::core
