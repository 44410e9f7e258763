#include "graftwork/quant/micro_batch.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "graftwork/base/error.h"
#include "graftwork/ir/kind.h"

namespace graftwork::core {
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

}  // namespace

// Repeats shape inference with a symbol for the batch: every value must follow it in its first extent.
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

namespace {

/// The first extent that most inputs have; of several the earliest. Nothing when all inputs are numbers.
std::optional<Dim> common_batch(const std::vector<Node*>& inputs) {
  std::vector<Dim> firsts;
  for (const Node* input : inputs) {
    if (input->tensor() && input->tensor()->rank() > 0) firsts.push_back(input->tensor()->dims[0]);
  }
  std::optional<Dim> common;
  std::ptrdiff_t most = 0;
  for (const Dim& dim : firsts) {
    const std::ptrdiff_t count = std::count(firsts.begin(), firsts.end(), dim);
    if (count > most) common = dim;
    most = std::max(most, count);
  }
  return common;
}

}  // namespace

Batching batching_of(const GraphModule& module) {
  const std::vector<Node*> inputs = module.graph().inputs();
  const bool any = holds_for_any_batch(module);
  const std::optional<Dim> common = common_batch(inputs);
  Batching batching;
  if (!any && common && common->is_static()) batching.size = std::max<int64_t>(common->value(), 1);
  for (const Node* input : inputs) {
    const TensorType* type = input->tensor();
    batching.batched.push_back(type && type->rank() > 0 && (any || type->dims[0] == *common));
  }
  return batching;
}

std::vector<at::Tensor> filled_up(std::vector<at::Tensor> inputs, const Batching& batching) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!batching.batched[i]) continue;
    at::Tensor& input = inputs[i];
    const int64_t missing = batching.size - input.size(0);
    if (missing <= 0) continue;
    std::vector<int64_t> repeats(static_cast<size_t>(input.dim()), -1);
    repeats[0] = missing;
    input = at::cat({input, input.slice(0, input.size(0) - 1).expand(repeats)});
  }
  return inputs;
}

}  // namespace graftwork::core
