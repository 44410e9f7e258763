#include "graftwork/patterns/placement/placement_rules.h"

#include <algorithm>

namespace graftwork::core {
namespace {

bool holds(const std::vector<Symbol>& ops, Symbol op) { return std::find(ops.begin(), ops.end(), op) != ops.end(); }

}  // namespace

bool PlacementRules::moves(Symbol op) const { return holds(moves_data, op); }
bool PlacementRules::keeps(const Node& node) const {
  if (moves(node.op()) || holds(keeps_codes, node.op())) return true;
  const Attribute* value = holds(fills_zeros, node.op()) ? node.attrs().find("value") : nullptr;
  return value && (*value == Attribute(int64_t{0}) || *value == Attribute(0.0));
}
bool PlacementRules::stops(Symbol op) const { return holds(stops_dq, op); }

Node& before_data_movement(Node& value, const PlacementRules& rules) {
  Node* at = &value;
  while (rules.moves(at->op()) && at->input_count() == 1) at = &at->input(0);
  return *at;
}

Node& quantized_tensor(Node& value, const PlacementRules& rules) {
  Node* tensor = &value;
  while (rules.moves(tensor->op()) && tensor->input_count() == 1 && tensor->use_count() == 1)
    tensor = &tensor->input(0);
  return *tensor;
}

}  // namespace graftwork::core
