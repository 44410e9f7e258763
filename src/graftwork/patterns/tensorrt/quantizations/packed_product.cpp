// %y = FusedLinear(%x)
// %parts = unbind, chunk, split, select or slices of %y, in heads: reshaped and transposed before or after
// … = products of %parts
//
// Rule F16: the engine puts the parts' movement into the layer's kernel, which then computes in floating point, and
// says nothing. Packed queries, keys and values are such layers.
#include <array>
#include <set>
#include <tuple>

#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/operator_name.h"
#include "graftwork/patterns/tensorrt/quantizations/patterns.h"

namespace graftwork::core {
namespace {

bool takes_a_part(Symbol op) {
  static const std::array<Symbol, 7> kOps{
      "aten.chunk.default", "aten.split.Tensor", "aten.split_with_sizes.default", "aten.unbind.int",
      "aten.select.int",    "aten.slice.Tensor", "aten.index_select.default"};
  return is_one_of(op, kOps);
}

bool turns_axes(Symbol op) {
  static const std::array<Symbol, 2> kOps{"aten.permute.default", "aten.transpose.int"};
  return is_one_of(op, kOps);
}

bool is_product(Symbol op) {
  static const std::array<Symbol, 3> kOps{"aten.matmul.default", "aten.bmm.default", "aten.softmax.int"};
  return is_one_of(op, kOps);
}

/// By a number, as attention scales its queries.
bool scales(const Node& node) {
  static const std::array<Symbol, 2> kByNumber{"aten.mul.Scalar", "aten.div.Scalar"};
  static const std::array<Symbol, 2> kByTensor{"aten.mul.Tensor", "aten.div.Tensor"};
  const bool is_by_constant = node.input_count() == 1 || node.input(1).kind() == NodeKind::kConstant;
  return is_one_of(node.op(), kByNumber) || (is_one_of(node.op(), kByTensor) && is_by_constant);
}

/// Whether products read parts of the value, with their axes in another order than the layer gives them.
bool is_read_in_parts(const Node& value, const PlacementRules& rules) {
  using State = std::tuple<const Node*, bool, bool>;  // a value; whether it is a part, and has turned axes
  std::vector<State> open{{&value, false, false}};
  std::set<State> seen;
  while (!open.empty()) {
    const State state = open.back();
    open.pop_back();
    if (!seen.insert(state).second) continue;
    const auto [at, is_part, is_turned] = state;
    for (const Use* use = at->uses(); use; use = use->next()) {
      const Node& user = *use->user();
      if (is_product(user.op()) && is_part && is_turned) return true;
      const bool moves = rules.keeps(user) || takes_a_part(user.op()) || scales(user);
      if (moves) open.emplace_back(&user, is_part || takes_a_part(user.op()), is_turned || turns_axes(user.op()));
    }
  }
  return false;
}

struct PackedProductPattern final : QuantizationPattern {
  Pat layer = op("FusedLinear")(any());

  std::string_view name() const override { return "PackedProductPattern"; }
  std::vector<Pat> roots() const override { return {layer}; }
  void finish(const Match& match, StubDraft& draft) const override {
    const Node& node = match[layer];
    if (!draft.quantized(node, 0) || !is_read_in_parts(node, draft.rules())) return;
    const ModuleRecord& record = draft.module().record(node);
    const ModuleTable& modules = draft.module().modules();
    draft.warn(cat(modules[record.child(record.body->layers.front().role)].path.str(),
                   ": products read its result in parts; the engine was seen to run such a layer in floating point, "
                   "where a layer for each part runs in INT8 (rule F16)"));
  }
};

}  // namespace

std::shared_ptr<const QuantizationPattern> make_packed_product_pattern() {
  return std::make_shared<PackedProductPattern>();
}

}  // namespace graftwork::core
