#include "graftwork/base/error.h"
#include "graftwork/ir/body.h"
#include "graftwork/place/node_index.h"
#include "graftwork/place/stub_plan.h"

namespace graftwork {
namespace {

/// A reader of a tensor's stub: the node at the front of its copies, and the slot.
struct Reading {
  Node* user;
  uint32_t slot;
};

void remove_child(ModuleRecord& record, Symbol role) {
  std::erase_if(record.children, [&](const auto& child) { return child.first == role; });
}

void add_inner_stub(GraphModule& module, const PlannedStub& stub) {
  ModuleRecord record;
  record.path = stub.stub;
  record.kind = "QuantStub";
  const ModuleId id = module.modules().add(std::move(record));
  const ModuleId owner = module.modules().find(stub.readers.front().module);
  module.modules().edit(owner).children.emplace_back(value_quantizer_role(stub.value), id);
}

}  // namespace

void apply_stub_plan(GraphModule& module, const StubPlan& plan, const Backend& backend) {
  const NodeIndex nodes(module);
  for (const PlannedStub& stub : plan.stubs) {
    if (stub.given) continue;
    if (!stub.value.empty()) {
      add_inner_stub(module, stub);
      continue;
    }
    Node& tensor = *nodes.by_name.at(stub.tensor);
    ModuleRecord record;
    record.path = stub.stub;
    record.kind = "QuantStub";
    const ModuleId id = module.modules().add(std::move(record));
    // Readers behind a copy chain get the stub in front of the chain.
    std::vector<Reading> readings;
    for (const StubReader& reader : stub.readers) {
      for (Node* user : nodes.callers.at(reader.module)) {
        auto slot = static_cast<uint32_t>(reader.input);
        Node* reading = user;
        for (Node* at = &user->input(slot); at != &tensor && backend.placement.moves(at->op()); at = &at->input(0)) {
          reading = at;
          slot = 0;
        }
        if (&reading->input(slot) == &tensor) readings.push_back({reading, slot});
      }
    }
    GRAFTWORK_ASSERT(!readings.empty());
    Node* const input = &tensor;
    NodeSpec spec = call_module_spec(module.modules(), id, std::span(&input, 1));
    spec.name = stub.stub;
    spec.origin = tensor.origin();
    Node& node = module.graph().stage(std::move(spec), std::span(&input, 1));
    Node* earliest = readings[0].user;
    for (const Reading& reading : readings) {
      if (reading.user->before(*earliest)) earliest = reading.user;
    }
    module.graph().link_before(node, *earliest);
    for (const Reading& reading : readings) module.graph().set_input(*reading.user, reading.slot, node);
  }
  for (const PlannedWeight& weight : plan.weights) {
    if (weight.quantized) continue;
    // A layer that was trained with a quantized weight holds the quantizer that its fused module holds.
    const ModuleId owner = module.modules().find(weight.module), layer = module.modules().find(weight.layer);
    const ModuleRecord& fused = module.modules()[owner];
    const Symbol role = weight_quantizer_role(*fused.body, layer_at(module.modules(), fused, weight.layer)->role);
    remove_child(module.modules().edit(owner), role);
    remove_child(module.modules().edit(layer), "weight_fake_quant");
  }
}

}  // namespace graftwork
