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

Node& stage_fused(Symbol kind_name, std::vector<std::pair<Symbol, ModuleId>> parts, AttrMap attrs,
                  std::span<Node* const> inputs, Graft& graft) {
  const ModuleTable& modules = graft.module().modules();
  const Kind& kind = KindTable::builtin().at(kind_name);
  ModuleRecord record;
  record.kind = kind_name;
  record.attrs = std::move(attrs);
  record.children = std::move(parts);
  bool quantizable = true;
  for (const auto& [role, id] : record.children) quantizable &= static_cast<bool>(int8_kernel_exists(modules[id]));
  if (quantizable) record.attrs.set("stubs", Attribute(kind.inputs_to_quantize));
  if (const ModuleId given = weight_fake_quant_of(modules, record, kind)) {
    record.children.emplace_back("weight_fake_quant", given);
  } else if (quantizable && !kind.weight_role.empty()) {
    const ModuleRecord& owner = modules[record.child(kind.weight_role)];
    ModuleRecord fake_quant;
    fake_quant.kind = "WeightFakeQuantize";
    fake_quant.path = modules.fresh_path(kind_name).str() + ".weight_fake_quant";
    fake_quant.attrs.set("axis", Attribute(KindTable::builtin().at(owner.kind).output_channel_axis));
    record.children.emplace_back("weight_fake_quant", graft.add_record(std::move(fake_quant)));
  }
  return graft.call_module(graft.add_instance(std::move(record)), inputs);
}

Outcome FusionPattern::fuse(Symbol kind, std::initializer_list<Part> parts, std::initializer_list<Pat> inputs,
                            const Pat& root, const Match& match, Graft& graft) const {
  std::vector<std::pair<Symbol, ModuleId>> bound;
  for (const Part& part : parts) {
    if (match.has(part.pat)) bound.emplace_back(part.role, match[part.pat].module());
  }
  std::vector<Node*> operands;
  for (const Pat& input : inputs) operands.push_back(&match[input]);
  return graft.replace(match[root], stage_fused(kind, std::move(bound), {}, operands, graft));
}

}  // namespace graftwork
