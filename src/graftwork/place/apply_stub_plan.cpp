#include <set>

#include "graftwork/base/error.h"
#include "graftwork/ir/body.h"
#include "graftwork/place/node_index.h"
#include "graftwork/place/stub_plan.h"
#include "graftwork/rewrite/graft.h"

namespace graftwork::core {
namespace {

ModuleRecord stub_record(const PlannedStub& stub) {
  ModuleRecord record;
  record.path = stub.stub;
  record.kind = "QuantStub";
  if (stub.precision != Precision::kInt8) record.attrs.set("precision", std::string(name_of(stub.precision)));
  return record;
}

void set_format(AttrMap& fake_quantize, const PlannedWeight& weight) {
  if (weight.precision != Precision::kInt8) fake_quantize.set("precision", std::string(name_of(weight.precision)));
  if (weight.block_size > 0) fake_quantize.set("block_size", weight.block_size);
}

void add_inner_stub(Graft& graft, const PlannedStub& stub) {
  const ModuleId id = graft.add_record(stub_record(stub));
  const ModuleId owner = graft.module().modules().find(stub.readers.front().module);
  graft.edit(owner).children.emplace_back(value_quantizer_role(stub.value), id);
}

}  // namespace

void apply_stub_plan(GraphModule& module, const StubPlan& plan, const Backend& backend) {
  const NodeIndex nodes(module);
  Graft graft(module);
  std::set<std::pair<const Node*, uint32_t>> fed;  // operands that read a stub
  for (const PlannedStub& stub : plan.stubs) {
    if (stub.given) continue;
    if (!stub.value.empty()) {
      add_inner_stub(graft, stub);
      continue;
    }
    Node& tensor = *nodes.by_name.at(stub.tensor);
    const ModuleId id = graft.add_record(stub_record(stub));
    GRAFTWORK_ASSERT(module.modules()[id].path == stub.stub);
    Node& node = graft.call_module(id, {&tensor});
    // Readers behind a copy chain get the stub in front of the chain.
    for (const StubReader& reader : stub.readers) {
      for (Node* user : nodes.callers.at(reader.module)) {
        Node* reading = user;
        auto slot = static_cast<uint32_t>(reader.input);
        while (!fed.contains({reading, slot}) && &reading->input(slot) != &tensor &&
               backend.placement.moves(reading->input(slot).op())) {
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
    const ModuleId owner = module.modules().find(weight.module);
    const ModuleRecord& fused = module.modules()[owner];
    const Symbol role = layer_at(module.modules(), fused, weight.layer)->weight_quantizer;
    if (!fused.child(role)) continue;
    if (weight.quantized) {
      if (weight.precision != Precision::kInt8 || weight.block_size > 0)
        set_format(graft.edit(fused.child(role)).attrs, weight);
      continue;
    }
    std::erase_if(graft.edit(owner).children, [&](const auto& child) { return child.first == role; });
  }
  graft.apply();
}

}  // namespace graftwork::core
