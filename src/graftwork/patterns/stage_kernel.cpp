#include "graftwork/patterns/stage_kernel.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory_resource>

#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/isomorphism.h"
#include "graftwork/ir/kind.h"
#include "graftwork/ir/operator_name.h"

namespace graftwork::core {
namespace {

/// Compares matched nodes with a resolved body, from the results up.
class BodyCheck {
 public:
  BodyCheck(const ModuleTable& modules, const ModuleRecord& record, std::span<Node* const> inputs)
      : modules_(modules),
        record_(record),
        inputs_(inputs),
        twin_(record.body->module.graph().capacity(), nullptr, &memory_) {}

  Outcome run(std::span<Node* const> replaced) {
    const Node& results = *record_.body->module.graph().output();
    if (results.input_count() != replaced.size())
      return declined(cat(record_.kind.str(), " has ", counted(results.input_count(), "result")));
    for (size_t i = 0; i < replaced.size(); ++i) {
      if (!same(results.input(i), *replaced[i]))
        return declined(cat("%", differs_->name().str(), " is not what ", record_.kind.str(), " computes"));
    }
    return applied();
  }

 private:
  bool same(const Node& body, const Node& node) {
    const Node* const twin = twin_[body.id().index];
    if (twin ? twin != &node : !is_counterpart(body, node)) {
      differs_ = &node;
      return false;
    }
    if (twin) return true;
    twin_[body.id().index] = &node;
    if (!is_commutative(body)) return same_operands(body, node, false);
    const std::pmr::vector<const Node*> before(twin_, &memory_);
    if (same_operands(body, node, false)) return true;
    twin_ = before;
    return same_operands(body, node, true);
  }

  bool same_operands(const Node& body, const Node& node, bool swapped) {
    for (size_t i = 0; i < body.input_count(); ++i) {
      if (!same(body.input(i), node.input(swapped ? 1 - i : i))) return false;
    }
    return true;
  }

  /// The node itself, whatever it reads.
  bool is_counterpart(const Node& body, const Node& node) const {
    const std::vector<const Node*>& inputs = record_.body->inputs;
    if (body.kind() == NodeKind::kInput)
      return inputs_[static_cast<size_t>(std::find(inputs.begin(), inputs.end(), &body) - inputs.begin())] == &node;
    if (body.input_count() != node.input_count()) return false;
    if (body.kind() == NodeKind::kCallPart)
      return node.kind() == NodeKind::kCallModule && node.module() == record_.child(body.role());
    if (body.kind() != node.kind() || body.op() != node.op()) return false;
    return body.attrs().empty() ? node.attrs().empty() : attributes_in(body, record_, modules_.kinds()) == node.attrs();
  }

  const ModuleTable& modules_;
  const ModuleRecord& record_;
  std::span<Node* const> inputs_;
  std::array<std::byte, 1024> buffer_;
  std::pmr::monotonic_buffer_resource memory_{buffer_.data(), buffer_.size()};
  std::pmr::vector<const Node*> twin_;  // by index of the body's node
  const Node* differs_ = nullptr;
};

/// The quantizers that trained layers bring, and new ones where the module has low-precision kernels and the layer may
/// read quantized values (rule W1).
void add_weight_quantizers(ModuleId id, bool quantizable, Graft& graft) {
  const ModuleTable& modules = graft.module().modules();
  for (const BodyLayer& layer : modules[id].body->layers) {
    const ModuleRecord& record = modules[id];
    ModuleId quantizer = weight_quantizer(modules[record.child(layer.role)]);
    if (!quantizer && quantizable && layer.may_read_quantized) {
      static const Symbol kKind = "WeightFakeQuantize";
      ModuleRecord fresh;
      fresh.kind = kKind;
      fresh.path = cat(record.path.str(), ".", layer.weight_quantizer.str());
      fresh.attrs = layer.weight_quantizer_attrs;
      quantizer = graft.add_record(std::move(fresh));
    }
    if (quantizer) graft.add_child(id, layer.weight_quantizer, quantizer);
  }
}

/// The kernel's record, and whether it has low-precision kernels.
std::pair<ModuleId, bool> add_kernel(ModuleRecord record, const Kind& kind, Graft& graft) {
  const bool quantizable = kind.is_fused() && has_low_precision_kernel(graft.module().modules(), record);
  if (quantizable) record.attrs.set_all(kind.quantized_attrs);
  return {graft.add_instance(std::move(record)), quantizable};
}

}  // namespace

bool is_commutative(const Node& operation) {
  static const std::array<Symbol, 4> kOps{"aten.add.Tensor", "aten.mul.Tensor", "aten.maximum.default",
                                          "aten.minimum.default"};
  return operation.attrs().empty() && operation.input_count() == 2 && is_one_of(operation.op(), kOps);
}

Outcome replace_by_kernel(KernelCall call, Graft& graft) {
  const ModuleTable& modules = graft.module().modules();
  const Kind* kind = modules.kinds().find(call.kind);
  if (!kind || !kind->body) return declined(cat("the network's backend has no kernel ", call.kind.str()));
  ModuleRecord record;
  record.kind = call.kind;
  record.attrs = std::move(call.attrs);
  record.children = std::move(call.parts);
  const auto [id, quantizable] = add_kernel(std::move(record), *kind, graft);
  if (Outcome same = BodyCheck(modules, modules[id], call.inputs).run(call.replaces); !same) return same;
  if (kind->is_fused()) add_weight_quantizers(id, quantizable, graft);
  if (call.replaces.size() == 1)
    return graft.replace(*call.replaces[0], graft.call_module(id, call.inputs, call.replaces[0]->type()));
  std::vector<Type> types;
  for (const Node* replaced : call.replaces) types.push_back(replaced->type());
  Node& tuple = graft.call_module(id, call.inputs, Type::tuple(std::move(types)));
  for (size_t i = 0; i < call.replaces.size(); ++i) {
    Node& result = graft.get_item(tuple, static_cast<int64_t>(i));
    if (Outcome outcome = graft.replace(*call.replaces[i], result); !outcome) return outcome;
  }
  return applied();
}

Outcome replace_by_kernel_of(Node& call, Symbol kind_name, Graft& graft) {
  const ModuleTable& modules = graft.module().modules();
  const Kind* kind = modules.kinds().find(kind_name);
  if (!kind || !kind->body) return declined(cat("the network's backend has no kernel ", kind_name.str()));
  if (difference(*kind->body, *modules.kinds().at(call.op()).body))
    return declined(cat(kind_name.str(), " is not what ", call.op().str(), " computes"));
  ModuleRecord record;
  record.kind = kind_name;
  record.attrs = modules[call.module()].attrs;
  record.children = modules[call.module()].children;
  const auto [id, quantizable] = add_kernel(std::move(record), *kind, graft);
  add_weight_quantizers(id, quantizable, graft);
  std::vector<Node*> inputs;
  for (const Use& use : call.inputs()) inputs.push_back(use.producer());
  return graft.replace(call, graft.call_module(id, inputs, call.type()));
}

}  // namespace graftwork::core
