#include "graftwork/base/error.h"
#include "graftwork/patterns/quantizations/data_movement.h"
#include "graftwork/place/node_index.h"
#include "graftwork/place/stub_plan.h"

namespace graftwork {
namespace {

/// A reader of a tensor's stub: the node at the front of its copies, and the slot.
struct Reading {
  Node* user;
  uint32_t slot;
};

}  // namespace

void apply_stub_plan(GraphModule& module, const StubPlan& plan) {
  const NodeIndex nodes(module);
  for (const PlannedStub& stub : plan.stubs) {
    if (stub.given) continue;
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
        for (Node* at = &user->input(slot); at != &tensor && moves_data(at->op()); at = &at->input(0)) {
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
    for (const Symbol path : {weight.module, weight.layer}) {
      ModuleRecord& record = module.modules().edit(module.modules().find(path));
      std::erase_if(record.children, [](const auto& child) { return child.first == Symbol("weight_fake_quant"); });
    }
  }
}

}  // namespace graftwork
