// %q, %k, %v = heads of linear layers                    =>   %q, %k, %v = MHAInProjection(%x), or
// %y = ScaledDotProductAttention(%q, %k, %v[, %mask])         %q, %k, %v = MHACrossProjection(%x, %memory)
//                                                             %y = ScaledDotProductAttention(%q, %k, %v[, %mask])
//
// Layers that read one tensor become one packed layer, whose heads are split off in the form that the engine runs in
// INT8 (rule F16). However they were packed before: their rows are put into one order, [part, head, number].
#include <algorithm>
#include <array>

#include "graftwork/base/text.h"
#include "graftwork/ir/kind.h"
#include "graftwork/patterns/attention/batch.h"
#include "graftwork/patterns/attention/packing.h"
#include "graftwork/patterns/attention/patterns.h"
#include "graftwork/patterns/attention/scores.h"
#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork::core {
namespace {

/// Whether the queries come from a projection that this pattern made.
bool is_raised(const Node& queries) {
  const Node* at = &queries;
  while (at->kind() != NodeKind::kGetItem && (moves_data(*at) || factor_of(*at))) at = &at->input(0);
  static const Symbol kSelf = "MHAInProjection", kCross = "MHACrossProjection";
  return at->kind() == NodeKind::kGetItem && (at->input(0).op() == kSelf || at->input(0).op() == kCross);
}

struct DecomposeMultiheadAttentionPattern final : Pattern {
  Pat attention = op("ScaledDotProductAttention")(any(), any(), any())
                      .and_more_inputs()
                      .where([](const GraphModule&, const Node& node) { return !is_raised(node.input(0)); }, "");

  std::string_view name() const override { return "DecomposeMultiheadAttentionPattern"; }
  bool looks_further() const override { return true; }
  std::vector<Pat> roots() const override { return {attention}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& call = match[attention];
    std::array<Projection, 3> parts;
    for (size_t i = 0; i < parts.size(); ++i) {
      if (Outcome outcome = read_projection(call.input(i), parts[i]); !outcome) return outcome;
    }
    if (parts[2].scale != 1) return declined("its values are scaled");
    const auto reads = [&](size_t i) { return &parts[i].layer->input(0); };
    if (reads(1) != reads(2) || !parts[1].same_heads(parts[2]))
      return declined("its keys and values come from two tensors");
    if (parts[0].heads != parts[1].heads || parts[0].size != parts[1].size)
      return declined("its queries have other heads than its keys");
    for (const Projection& part : parts) {
      if (sole_reader(*part.layer) != &call) return declined(cat("%", part.layer->name().str(), " is read elsewhere"));
    }
    const bool is_self = reads(0) == reads(1) && parts[0].same_heads(parts[1]);
    std::vector<Node*> operands;
    if (Outcome outcome = is_self ? project_self(parts, graft, operands) : project_cross(parts, graft, operands);
        !outcome)
      return outcome;
    return attend(call, parts, std::move(operands), graft);
  }

 private:
  static Outcome project_self(const std::array<Projection, 3>& parts, Graft& graft, std::vector<Node*>& operands) {
    ModuleRecord record;
    record.kind = "MHAInProjection";
    set_heads(record, parts[0], 3);
    ModuleId packed;
    if (Outcome outcome = pack({&parts[0], &parts[1], &parts[2]}, graft, packed); !outcome) return outcome;
    record.children.emplace_back(Symbol("in_proj"), packed);
    Node* tokens = tokens_of(parts[0], graft);
    if (!tokens) return declined("its tokens lie across its samples");
    Node& call = graft.call_module(graft.add_instance(std::move(record)), {tokens});
    for (int64_t i = 0; i < 3; ++i) operands.push_back(&graft.get_item(call, i));
    return applied();
  }

  static Outcome project_cross(const std::array<Projection, 3>& parts, Graft& graft, std::vector<Node*>& operands) {
    ModuleRecord record;
    record.kind = "MHACrossProjection";
    set_heads(record, parts[0], 2);
    ModuleId query, pair;
    if (Outcome outcome = pack({&parts[0]}, graft, query); !outcome) return outcome;
    if (Outcome outcome = pack({&parts[1], &parts[2]}, graft, pair); !outcome) return outcome;
    record.children.emplace_back(Symbol("q_proj"), query);
    record.children.emplace_back(Symbol("kv_proj"), pair);
    Node *tokens = tokens_of(parts[0], graft), *memory = tokens_of(parts[1], graft);
    if (!tokens || !memory) return declined("its tokens lie across its samples");
    Node& call = graft.call_module(graft.add_instance(std::move(record)), {tokens, memory});
    for (int64_t i = 0; i < 3; ++i) operands.push_back(&graft.get_item(call, i));
    return applied();
  }

  /// The attention on the new operands, in the batch that its mask has.
  static Outcome attend(Node& call, const std::array<Projection, 3>& parts, std::vector<Node*> operands, Graft& graft) {
    for (size_t i = 0; i < operands.size(); ++i) {
      operands[i] = viewed(*operands[i], call.input(i).tensor()->dims, graft, call.origin());
      if (!operands[i]) return declined("its operands have more than one extent that is known at run time only");
    }
    ModuleRecord record = graft.module().record(call);
    record.attrs.set("scale", Attribute(number_in(*attribute_of(record, "scale", graft.module().modules().kinds())) *
                                        parts[0].scale * parts[1].scale));
    if (call.input_count() > operands.size()) operands.push_back(&call.input(3));
    return graft.replace(call, graft.call_module(graft.add_record(std::move(record)), operands));
  }

  static double number_in(const Attribute& scale) {
    const double* real = scale.get<double>();
    return real ? *real : static_cast<double>(*scale.get<int64_t>());
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_decompose_multihead_attention_pattern() {
  return std::make_shared<DecomposeMultiheadAttentionPattern>();
}

}  // namespace graftwork::core
