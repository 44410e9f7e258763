#include "graftwork/export/operator_lowering.h"

#include <algorithm>
#include <unordered_map>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/runtime_number.h"
#include "graftwork/nn/dtypes.h"

namespace graftwork::core {
namespace {

[[noreturn]] void refuse(Symbol name) {
  throw Error("export.attribute", name.str() + " is known at run time only",
              "a fixed number there when the network is exported: a size that it comes from must not be dynamic");
}

const std::unordered_map<Symbol, OperatorLowering>& lowerings() {
  static const std::unordered_map<Symbol, OperatorLowering> table = [] {
    std::unordered_map<Symbol, OperatorLowering> all;
    for (auto make : {activation_operator_lowerings, comparison_lowerings, complex_lowerings, creation_lowerings,
                      elementwise_lowerings, function_lowerings, indexing_lowerings, layer_lowerings,
                      pool_operator_lowerings, sampling_lowerings, scatter_lowerings, search_lowerings,
                      recurrent_lowerings, reduction_lowerings, shape_operator_lowerings, split_lowerings}) {
      for (const auto& [name, lowering] : make()) all.emplace(name, lowering);
    }
    return all;
  }();
  return table;
}

}  // namespace

OperatorLowering find_operator_lowering(Symbol op) {
  const auto found = lowerings().find(op);
  return found == lowerings().end() ? nullptr : found->second;
}

std::vector<Symbol> lowered_operators() {
  std::vector<Symbol> found;
  for (const auto& [op, lowering] : lowerings()) found.push_back(op);
  return found;
}

int64_t integer_attr(const Node& node, Symbol name, int64_t fallback) {
  const Attribute* attr = node.attrs().find(name);
  if (!attr || attr->is_none()) return fallback;
  const int64_t* value = attr->get<int64_t>();
  return value ? *value : (refuse(name), 0);
}

double number_attr(const Node& node, Symbol name, double fallback) {
  const Attribute* attr = node.attrs().find(name);
  const double* value = attr ? attr->get<double>() : nullptr;
  if (const bool* truth = attr ? attr->get<bool>() : nullptr) return *truth ? 1 : 0;
  return value ? *value : attr && !attr->is_none() ? static_cast<double>(integer_attr(node, name, 0)) : fallback;
}

bool flag_attr(const Node& node, Symbol name, bool fallback) {
  const Attribute* attr = node.attrs().find(name);
  const bool* value = attr ? attr->get<bool>() : nullptr;
  return value ? *value : fallback;
}

std::vector<int64_t> integers_attr(const Node& node, Symbol name) {
  const Attribute* attr = node.attrs().find(name);
  const auto* values = attr ? attr->get<std::vector<int64_t>>() : nullptr;
  if (attr && attr->get<int64_t>()) return {*attr->get<int64_t>()};
  return values ? *values : (refuse(name), std::vector<int64_t>());
}

std::vector<size_t> tensor_slots(const Node& node) {
  std::vector<size_t> slots;
  for (size_t slot = 0; slot < node.input_count(); ++slot) {
    const bool is_number = std::any_of(node.attrs().begin(), node.attrs().end(), [slot](const auto& entry) {
      const InputRef* ref = entry.second.template get<InputRef>();
      return ref && ref->slot == slot;
    });
    if (!is_number) slots.push_back(slot);
  }
  return slots;
}

int64_t rank_of(const Node& node) {
  if (node.input_count() == 0) throw Error("export.attribute", "it has no operands");
  const TensorType* type = node.input(0).tensor();
  if (!type) throw Error("export.shape", "the shape of its input is not known");
  return static_cast<int64_t>(type->rank());
}

int64_t front_axis(int64_t axis, int64_t rank) {
  const int64_t front = axis < 0 ? axis + rank : axis;
  // Of a single number torch takes the axes that a list would have.
  if (front < 0 || front >= std::max<int64_t>(rank, 1))
    throw Error("export.attribute", cat("rank ", rank, " has no axis ", axis));
  return front;
}

std::string operand_as_result(Lowering& lowering, const Node& node, size_t slot) {
  const TensorType* to = node.tensor();
  return to ? operand_as(lowering, node, slot, lowering.exported_dtype(to->dtype)) : lowering.operand(node, slot);
}

std::string operand_as(Lowering& lowering, const Node& node, size_t slot, DType type) {
  const TensorType* from = node.input(slot).tensor();
  if (!from || lowering.exported_dtype(from->dtype) == type) return lowering.operand(node, slot);
  return lowering.add("Cast", cat(node.name().str(), "_operand_", slot), {lowering.operand(node, slot)},
                      {{"to", onnx::data_type(type)}});
}

std::string number_as(Lowering& lowering, const std::string& name, double value, DType type) {
  if (type == lowering.options().float_type) return lowering.float_scalar(name, value);
  return lowering.constant(name, at::scalar_tensor(value, to_torch(type)));
}

std::string number_as_result(Lowering& lowering, const Node& node, const std::string& name, double value) {
  const TensorType* type = node.tensor();
  return type ? number_as(lowering, name, value, lowering.exported_dtype(type->dtype))
              : lowering.float_scalar(name, value);
}

std::string number_operand(Lowering& lowering, const Node& node, Symbol attr, double fallback, DType type) {
  const Attribute* given = node.attrs().find(attr);
  const std::string name = cat(node.name().str(), "_", attr.str());
  if (!given || !given->get<InputRef>()) return number_as(lowering, name, number_attr(node, attr, fallback), type);
  const std::string number = lower_scalar(lowering, lower_number(lowering, node, *given));
  return lowering.add("Cast", name, {number}, {{"to", onnx::data_type(type)}});
}

}  // namespace graftwork::core
