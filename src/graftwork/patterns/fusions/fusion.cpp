#include "graftwork/patterns/fusions/fusion.h"

#include "graftwork/base/text.h"
#include "graftwork/patterns/int8_guard.h"

namespace graftwork {
namespace {

/// What a layer that was trained with one brings.
ModuleId weight_fake_quant_of(const ModuleTable& modules, const ModuleRecord& fused, const Kind& kind) {
  return kind.weight_role.empty() ? ModuleId() : modules[fused.child(kind.weight_role)].child("weight_fake_quant");
}

}  // namespace

Outcome FusionPattern::fuse(Symbol kind_name, std::initializer_list<Part> parts, std::initializer_list<Pat> inputs,
                            const Pat& root, const Match& match, Graft& graft) const {
  const Kind& kind = KindTable::builtin().at(kind_name);
  ModuleRecord record;
  record.kind = kind_name;
  bool quantizable = true;
  for (const Part& part : parts) {
    if (!match.has(part.pat)) continue;
    record.children.emplace_back(part.role, match[part.pat].module());
    quantizable &= static_cast<bool>(int8_kernel_exists(graft.module().record(match[part.pat])));
  }
  if (quantizable) record.attrs.set("stubs", Attribute(kind.inputs_to_quantize));
  if (const ModuleId given = weight_fake_quant_of(graft.module().modules(), record, kind)) {
    record.children.emplace_back("weight_fake_quant", given);
  } else if (quantizable && !kind.weight_role.empty()) {
    const ModuleRecord& owner = graft.module().modules()[record.child(kind.weight_role)];
    ModuleRecord fake_quant;
    fake_quant.kind = "WeightFakeQuantize";
    fake_quant.path = graft.module().modules().fresh_path(kind_name).str() + ".weight_fake_quant";
    fake_quant.attrs.set("axis", Attribute(KindTable::builtin().at(owner.kind).output_channel_axis));
    record.children.emplace_back("weight_fake_quant", graft.add_record(std::move(fake_quant)));
  }
  std::vector<Node*> operands;
  for (const Pat& input : inputs) operands.push_back(&match[input]);
  Node& fused = graft.call_module(graft.add_instance(std::move(record)), operands);
  return graft.replace(match[root], fused);
}

}  // namespace graftwork
