#include <set>

#include "graftwork/base/error.h"
#include "graftwork/patterns/quantizations/data_movement.h"
#include "graftwork/place/node_index.h"
#include "graftwork/place/stub_plan.h"
#include "graftwork/rewrite/graft.h"

namespace graftwork {

void apply_stub_plan(GraphModule& module, const StubPlan& plan) {
  const NodeIndex nodes(module);
  Graft graft(module);
  std::set<std::pair<const Node*, uint32_t>> fed;  // operands that read a stub
  for (const PlannedStub& stub : plan.stubs) {
    if (stub.given) continue;
    Node& tensor = *nodes.by_name.at(stub.tensor);
    ModuleRecord record;
    record.path = stub.stub;
    record.kind = "QuantStub";
    const ModuleId id = graft.add_record(std::move(record));
    GRAFTWORK_ASSERT(module.modules()[id].path == stub.stub);
    Node& node = graft.call_module(id, {&tensor});
    // Readers behind a copy chain get the stub in front of the chain.
    for (const StubReader& reader : stub.readers) {
      for (Node* user : nodes.callers.at(reader.module)) {
        Node* reading = user;
        auto slot = static_cast<uint32_t>(reader.input);
        while (!fed.contains({reading, slot}) && &reading->input(slot) != &tensor &&
               moves_data(reading->input(slot).op())) {
          reading = &reading->input(slot);
          slot = 0;
        }
        if (&reading->input(slot) != &tensor || !fed.insert({reading, slot}).second) continue;
        const Outcome rewired = graft.rewire(*reading, slot, node);
        GRAFTWORK_ASSERT(rewired);
      }
    }
  }
  for (const PlannedWeight& weight : plan.weights) {
    if (weight.quantized) continue;
    ModuleRecord& record = graft.edit(module.modules().find(weight.module));
    std::erase_if(record.children, [](const auto& child) { return child.first == Symbol("weight_fake_quant"); });
  }
  graft.apply();
}

}  // namespace graftwork
