#include "graftwork/quant/half_probe.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "graftwork/base/text.h"
#include "graftwork/ir/operator_name.h"
#include "graftwork/nn/half.h"
#include "graftwork/nn/module_kernels.h"
#include "graftwork/nn/runnable_operators.h"

namespace graftwork::core {
namespace {

/// What rounding to FP16 alone leaves is 66 dB and more; INT8 leaves 40.
constexpr double kEnough = 50;
constexpr size_t kLargestCone = 32;

bool is_f32(const Node& node) { return node.tensor() && node.tensor()->dtype == DType::kF32; }

bool is_anchor(const Node& node) {
  if (node.kind() != NodeKind::kCallFunction || !is_f32(node)) return false;
  const std::string_view name = operator_name(node.op());
  if (name == "div" || name == "true_divide") return node.input_count() > 1;
  if (name == "pow") {
    const Attribute* exponent = node.attrs().find("exponent");
    const std::optional<double> number = exponent ? number_in(*exponent) : std::nullopt;
    return !number || *number < 1;
  }
  constexpr std::array<std::string_view, 6> kNames{"reciprocal", "rsqrt", "sqrt", "log", "log2", "log10"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

bool all_tensors(const Node& node) {
  const auto is_tensor = [](const Use& use) {
    const Node& input = *use.producer();
    return input.tensor() != nullptr || (use.user()->kind() == NodeKind::kGetItem && input.type().elements());
  };
  const std::span<const Use> inputs = node.inputs();
  return std::all_of(inputs.begin(), inputs.end(), is_tensor);
}

/// Whether the node can be computed here, by itself: an operator on tensors, an element of what one gives, or a module
/// of torch's without parameters.
bool is_computable(const Network& network, const Node& node) {
  if (!all_tensors(node)) return false;
  if (node.kind() == NodeKind::kGetItem) return is_computable(network, node.input(0));
  if (node.kind() == NodeKind::kCallFunction) return may_run(node.op());
  if (node.kind() != NodeKind::kCallModule) return false;
  const ModuleRecord& record = network.module.record(node);
  return !record.body && record.params.empty() && record.kind != Symbol("QuantStub") && has_kernel(record.kind);
}

using Values = std::unordered_map<const Node*, c10::IValue>;

}  // namespace

/// An anchor with what stands in front of it.
class HalfProbe::Cone {
 public:
  using Wide = std::set<const Node*, bool (*)(const Node*, const Node*)>;

  Cone(const Network& network, const Node& anchor) : network_(&network), anchor_(&anchor) {
    // Breadth first, so that a limit cuts off what is far.
    std::vector<const Node*> open{&anchor};
    std::unordered_set<const Node*> inner{&anchor}, seen{&anchor};
    for (size_t next = 0; next < open.size(); ++next) {
      for (const Use& use : open[next]->inputs()) {
        const Node* input = use.producer();
        if (!seen.insert(input).second) continue;
        if (inner.size() < kLargestCone && is_computable(network, *input)) {
          inner.insert(input);
          open.push_back(input);
        } else {
          borders_.push_back(input);
        }
      }
    }
    steps_.assign(inner.begin(), inner.end());
    const auto in_order = [](const Node* a, const Node* b) { return a->before(*b); };
    std::sort(steps_.begin(), steps_.end(), in_order);
    std::sort(borders_.begin(), borders_.end(), in_order);
    for (const Node* step : steps_) {
      if (step->kind() != NodeKind::kCallFunction) continue;
      calls_.emplace(step, std::pair(OperatorCall(step->op(), step->attrs(), step->input_count()),
                                     OperatorCall(step->op(), constants_in_half(step->attrs()), step->input_count())));
    }
  }

  const Node& anchor() const { return *anchor_; }
  const std::vector<const Node*>& borders() const { return borders_; }

  /// What the anchor keeps of its value where nothing is wide, in dB.
  double narrow_quality(const Values& values) const { return quality(values, none()); }

  /// The nodes that have to be wide: from all on, each goes without which the value stays as it is; those far from the
  /// anchor first.
  Wide least(const Values& values) const {
    Wide wide = none();
    for (const Node* border : borders_) {
      if (!is_free(*border)) wide.insert(border);
    }
    wide.insert(steps_.begin(), steps_.end());
    const Wide all = wide;
    for (const Node* node : all) {
      wide.erase(node);
      if (quality(values, wide) < kEnough) wide.insert(node);
    }
    return wide;
  }

 private:
  static Wide none() {
    return Wide([](const Node* a, const Node* b) { return a->before(*b); });
  }

  /// FP32 for whoever wants it so.
  static bool is_free(const Node& node) {
    return node.kind() == NodeKind::kConstant || node.kind() == NodeKind::kInput;
  }

  double quality(const Values& values, const Wide& wide) const {
    Values computed;
    for (const Node* border : borders_) computed[border] = values.at(border);
    for (const Node* step : steps_) {
      std::vector<c10::IValue> inputs;
      for (const Use& use : step->inputs()) {
        const Node& input = *use.producer();
        const bool is_exact = wide.contains(step) && (is_free(input) || wide.contains(&input));
        inputs.push_back(is_exact ? computed.at(&input) : rounded_to_half(computed.at(&input)));
      }
      c10::IValue result = run(*step, inputs, wide.contains(step));
      computed[step] = wide.contains(step) ? std::move(result) : rounded_to_half(result);
    }
    return half_quality(values.at(anchor_).toTensor(), computed.at(anchor_).toTensor());
  }

  c10::IValue run(const Node& step, const std::vector<c10::IValue>& inputs, bool is_wide) const {
    if (step.kind() == NodeKind::kGetItem)
      return inputs[0].toTupleRef().elements().at(static_cast<size_t>(step.item_index()));
    if (step.kind() == NodeKind::kCallModule)
      return run_module(network_->module.record(step), inputs, {network_->module.modules(), network_->tensors});
    std::vector<const c10::IValue*> operands;
    for (const c10::IValue& input : inputs) operands.push_back(&input);
    const auto& [exact, half] = calls_.at(&step);
    return (is_wide ? exact : half).run(operands, c10::Device(c10::kCPU));
  }

  const Network* network_;
  const Node* anchor_;
  std::vector<const Node*> borders_;
  std::vector<const Node*> steps_;  // in the order of the graph; the anchor is the last
  std::unordered_map<const Node*, std::pair<OperatorCall, OperatorCall>> calls_;  // exact, and with rounded numbers
};

HalfProbe::HalfProbe(const Network& network) {
  for (const Node& node : network.module.graph().nodes()) {
    if (!is_anchor(node) || !is_computable(network, node)) continue;
    cones_.emplace_back(network, node);
    needed_.insert(&node);
    needed_.insert(cones_.back().borders().begin(), cones_.back().borders().end());
  }
  for (const Node* node : needed_) {
    if (node->kind() == NodeKind::kConstant) constants_.emplace(node, evaluate(node->constant(), network.tensors));
  }
}

HalfProbe::~HalfProbe() = default;

void HalfProbe::look(const std::unordered_map<const Node*, at::Tensor>& values, HalfFindings& findings) const {
  for (const Cone& cone : cones_) {
    Values known;
    bool all_known = true;
    const auto add = [&](const Node* node) {
      const auto& from = node->kind() == NodeKind::kConstant ? constants_ : values;
      const auto value = from.find(node);
      all_known &= value != from.end();
      if (value != from.end()) known.emplace(node, value->second);
    };
    for (const Node* border : cone.borders()) add(border);
    add(&cone.anchor());
    if (!all_known) continue;
    const double quality = cone.narrow_quality(known);
    if (quality >= kEnough) continue;
    HalfFindings::Found found{{}, quality};
    for (const Node* node : cone.least(known)) found.nodes.insert(node->name().str());
    findings.add(cone.anchor().name().str(), found);
  }
}

}  // namespace graftwork::core
