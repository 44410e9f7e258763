// Whether a graph holds its batch size fast.
#include <algorithm>
#include <unordered_map>

#include "graftwork/base/error.h"
#include "graftwork/quant/calibrator.h"

namespace graftwork {
namespace {

/// The type with another first extent.
Type with_batch(const Type& type, const Dim& batch) {
  if (!type.tensor() || type.tensor()->rank() == 0) return type;
  TensorType changed = *type.tensor();
  changed.dims[0] = batch;
  return changed;
}

/// The one operator of the table whose shape says nothing of it: softmax over the samples.
bool mixes_samples(const Node& node) {
  if (node.op() != Symbol("aten.softmax.int") || !node.tensor()) return false;
  const Attribute* dim = node.attrs().find("dim");
  const int64_t* axis = dim ? dim->get<int64_t>() : nullptr;
  return !axis || *axis == 0 || *axis == -static_cast<int64_t>(node.tensor()->rank());
}

/// A tensor, or a tuple of tensors, with one row per sample.
bool is_per_sample(const Type& type, const Dim& batch) {
  if (const std::vector<Type>* parts = type.elements()) {
    return std::all_of(parts->begin(), parts->end(), [&](const Type& part) { return is_per_sample(part, batch); });
  }
  return type.tensor() && type.tensor()->rank() > 0 && type.tensor()->dims[0] == batch;
}

/// Repeats shape inference with a symbol for the batch: every value must follow it in its first extent.
bool holds_for_any_batch(const GraphModule& module) {
  const Dim batch = Dim::symbol("batch");
  std::unordered_map<const Node*, Type> types;
  for (const Node& node : module.graph().nodes()) {
    if (node.kind() == NodeKind::kOutput) continue;
    if (node.kind() == NodeKind::kConstant) {
      types[&node] = node.type();
      continue;
    }
    if (node.kind() == NodeKind::kInput) {
      types[&node] = with_batch(node.type(), batch);
      continue;
    }
    if (mixes_samples(node)) return false;
    if (node.kind() == NodeKind::kGetItem) {
      types[&node] = types.at(&node.input(0)).elements()->at(static_cast<size_t>(node.item_index()));
      continue;
    }
    std::vector<Type> inputs;
    for (const Use& use : node.inputs()) inputs.push_back(types.at(use.producer()));
    Type type;
    try {
      type = node.kind() == NodeKind::kCallModule ? infer_module(module.record(node), inputs, module.modules())
                                                  : infer_function(node.op(), inputs, node.attrs());
    } catch (const Error&) {
      return false;
    }
    if (!is_per_sample(type, batch)) return false;
    types[&node] = type;
  }
  return true;
}

}  // namespace

int64_t micro_batch_size(const GraphModule& module) {
  if (holds_for_any_batch(module)) return 1;
  for (const Node* input : module.graph().inputs()) {
    const TensorType* type = input->tensor();
    if (type && type->rank() > 0 && type->dims[0].is_static()) return std::max<int64_t>(type->dims[0].value(), 1);
  }
  return 1;
}

}  // namespace graftwork
