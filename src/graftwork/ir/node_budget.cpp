#include "graftwork/ir/node_budget.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/bounds.h"

namespace graftwork::core {
namespace {

size_t bytes_of(const Type& type) {
  size_t bytes = sizeof(TensorType);
  if (const TensorType* tensor = type.tensor()) {
    for (const Dim& dim : tensor->dims) bytes += sizeof(Dim) + dim.base().str().size();
  }
  if (const std::vector<Type>* elements = type.elements()) {
    for (const Type& element : *elements) bytes += sizeof(Type) + bytes_of(element);
  }
  return bytes;
}

size_t bytes_of(const Attribute& attribute) {
  size_t bytes = sizeof(Attribute);
  if (const auto* text = attribute.get<std::string>()) bytes += text->size();
  if (const auto* numbers = attribute.get<std::vector<int64_t>>()) bytes += numbers->size() * sizeof(int64_t);
  if (const auto* list = attribute.get<Attribute::List>()) {
    for (const Attribute& element : *list) bytes += bytes_of(element);
  }
  return bytes;
}

size_t bytes_of(const AttrMap& attrs) {
  size_t bytes = 0;
  for (const auto& [name, value] : attrs) bytes += sizeof(Symbol) + bytes_of(value);
  return bytes;
}

}  // namespace

void NodeBudget::spend(size_t bytes) {
  bytes_ += bytes;
  if (bytes_ > kMostNodeBytes) {
    throw Error("ir.size", cat("types and attributes of the network take more than ", human_bytes(kMostNodeBytes)));
  }
}

void NodeBudget::spend(const GraphModule& module) {
  const Graph& graph = module.graph();
  if (graph.capacity() > kMostNodes) throw Error("ir.size", cat("the network has more than ", kMostNodes, " nodes"));
  for (; nodes_ < graph.capacity(); ++nodes_) {
    const Node* node = graph.find({static_cast<uint32_t>(nodes_)});
    if (node) spend(bytes_of(node->type()) + bytes_of(node->attrs()));
  }
  const ModuleTable& modules = module.modules();
  for (; records_ < modules.size(); ++records_) {
    spend(bytes_of(modules[ModuleId{static_cast<uint32_t>(records_)}].attrs));
  }
}

}  // namespace graftwork::core
