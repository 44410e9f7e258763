#include "graftwork/quant/stub_readers.h"

#include "graftwork/ir/body.h"

namespace graftwork::core {

bool is_on_softmax(const ModuleTable& modules, const PlannedStub& stub) {
  if (stub.value.empty()) return false;
  const ModuleRecord& kernel = modules[modules.find(stub.readers.front().module)];
  const Node* value = value_of(kernel.body->module, stub.value);
  return value && value->op() == Symbol("aten.softmax.int");
}

SmallScale small_scale_of(const ModuleTable& modules, const PlannedStub& stub, bool products_take_one_type) {
  for (const StubReader& reader : stub.readers) {
    const ModuleRecord& fused = modules[modules.find(reader.module)];
    for (const BodyLayer& layer : fused.body->layers) {
      const SmallScale small = small_scale_of(modules[fused.child(layer.role)], products_take_one_type);
      if (small == SmallScale::kHalf) return small;
    }
  }
  return SmallScale::kWide;
}

}  // namespace graftwork::core
