#include "graftwork/ir/peak_memory.h"

#include <algorithm>
#include <array>
#include <vector>

#include "graftwork/base/error.h"
#include "graftwork/base/saturating.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/dim_value.h"
#include "graftwork/ir/kind.h"
#include "graftwork/ir/operator_name.h"
#include "graftwork/ir/scratch_memory.h"

namespace graftwork::core {
namespace {

/// Operators that give another view of their first input, or that input itself.
bool is_view(Symbol op) {
  static constexpr std::array<std::string_view, 27> kViews{
      "alias",   "broadcast_to", "chunk",  "contiguous", "detach",  "diagonal",  "dropout", "expand",    "expand_as",
      "flatten", "movedim",      "narrow", "numpy_T",    "permute", "reshape",   "select",  "slice",     "split",
      "squeeze", "swapaxes",     "t",      "transpose",  "unbind",  "unflatten", "unfold",  "unsqueeze", "view"};
  if (op.str().starts_with("aten.split_with_sizes")) return true;
  return op.str().starts_with("aten.") && std::ranges::find(kViews, operator_name(op)) != kViews.end();
}

bool is_view_module(Symbol kind) {
  return kind == Symbol("nn.Flatten") || kind == Symbol("nn.Identity") || kind == Symbol("nn.Dropout") ||
         kind == Symbol("nn.Unflatten");
}

int64_t bytes_of_type(const Type& type) {
  if (const TensorType* tensor = type.tensor()) return bytes_of(*tensor);
  int64_t bytes = 0;
  if (const std::vector<Type>* elements = type.elements()) {
    for (const Type& element : *elements) bytes = saturating_sum(bytes, bytes_of_type(element));
  }
  return bytes;
}

/// The nodes of one graph, a network or a body, in order.
class Walk {
 public:
  Walk(const ModuleTable& modules, const SymbolValues& symbols, const std::function<bool(const Node&)>& is_kept)
      : modules_(modules), symbols_(symbols), is_kept_(is_kept) {}

  PeakMemory run(const Graph& graph, std::span<const Type> inputs, const ModuleRecord* record) {
    record_ = record;
    types_.resize(graph.capacity());
    owners_.resize(graph.capacity());
    find_owners(graph);
    size_t next_input = 0;
    for (const Node& node : graph.nodes()) {
      Type& type = types_[node.id().index];
      if (node.kind() == NodeKind::kInput) {
        if (next_input < inputs.size()) type = inputs[next_input++];
        continue;
      }
      if (node.kind() == NodeKind::kOutput) continue;
      type = type_of(node);
      add(node, type);
      free_behind(node);
    }
    return peak_;
  }

  Type type_at(const Node& node) const { return types_[node.id().index]; }

 private:
  /// Who holds the memory of a value, and who reads that last.
  struct Owner {
    const Node* node = nullptr;
    const Node* last = nullptr;
    bool lives_on = false;
    int64_t bytes = 0;
  };

  void find_owners(const Graph& graph) {
    for (const Node& node : graph.nodes()) {
      Owner& own = owners_[node.id().index];
      own.node = shares_memory(node) ? owners_[node.input(0).id().index].node : &node;
      own.last = &node;
      for (const Use& use : node.inputs()) {
        Owner& read = owners_[owners_[use.producer()->id().index].node->id().index];
        read.last = &node;
        read.lives_on |= node.kind() == NodeKind::kOutput;
      }
      if (is_kept_ && node.kind() != NodeKind::kOutput && is_kept_(node)) owners_[own.node->id().index].lives_on = true;
    }
  }

  bool shares_memory(const Node& node) const {
    if (node.input_count() == 0) return false;
    if (node.kind() == NodeKind::kGetItem) return true;
    if (node.kind() == NodeKind::kCallFunction) return is_view(node.op());
    return (node.kind() == NodeKind::kCallModule || node.kind() == NodeKind::kCallPart) && is_view_module(node.op());
  }

  std::vector<Type> operand_types(const Node& node) const {
    std::vector<Type> operands;
    for (const Use& use : node.inputs()) operands.push_back(types_[use.producer()->id().index]);
    return operands;
  }

  /// Of a call of a module, or of a part; null for operators.
  const ModuleRecord* record_of(const Node& node) const {
    if (node.kind() == NodeKind::kCallModule) return &modules_[node.module()];
    if (node.kind() == NodeKind::kCallPart) return &modules_[record_->child(node.role())];
    return nullptr;
  }

  Type type_of(const Node& node) const {
    const std::vector<Type> operands = operand_types(node);
    try {
      Type inferred;
      if (node.kind() == NodeKind::kGetItem) {
        inferred = item_type(operands[0], node.item_index());
      } else if (const ModuleRecord* record = record_of(node)) {
        inferred = infer_module(*record, operands, modules_);
      } else if (node.kind() == NodeKind::kCallFunction) {
        inferred = infer_function(node.op(), operands,
                                  record_ ? attributes_in(node, *record_, modules_.kinds()) : node.attrs());
      }
      if (inferred.is_known()) return in_numbers(inferred);
    } catch (const Error&) {
      // The recorded type is what there is: whether the call fits is for the run to say.
    }
    return in_numbers(node.type());
  }

  /// With the extents that the symbols of the inputs give.
  Type in_numbers(const Type& type) const {
    if (const std::vector<Type>* elements = type.elements()) {
      std::vector<Type> made;
      for (const Type& element : *elements) made.push_back(in_numbers(element));
      return Type::tuple(std::move(made));
    }
    const TensorType* tensor = type.tensor();
    if (!tensor || tensor->is_static()) return type;
    TensorType made = *tensor;
    for (Dim& dim : made.dims) {
      if (const auto value = value_of(dim, symbols_)) dim = Dim(*value);
    }
    return made;
  }

  void add(const Node& node, const Type& type) {
    Owner& own = owners_[node.id().index];
    if (own.node != &node || node.kind() == NodeKind::kConstant) return;  // constants are mapped, or views of such
    own.bytes = bytes_of_type(type);
    const int64_t beside = scratch(node, type, own.bytes);
    live_ = saturating_sum(live_, own.bytes);
    const int64_t now = saturating_sum(live_, std::max<int64_t>(beside, 0));
    if (now > peak_.bytes) peak_ = {now, &node, type};
  }

  /// What the node takes beside its result, of `bytes`.
  int64_t scratch(const Node& node, const Type& type, int64_t bytes) const {
    const std::vector<Type> operands = operand_types(node);
    if (const ModuleRecord* record = record_of(node)) {
      if (record->body) return inside(*record, operands) - bytes;
      return scratch_bytes(record->kind, operands, type, [&](Symbol name) { return attribute_of(*record, name); });
    }
    if (node.kind() != NodeKind::kCallFunction) return 0;
    return scratch_bytes(node.op(), operands, type, [&](Symbol name) { return node.attrs().find(name); });
  }

  /// The peak of a body, whose results are the node's.
  int64_t inside(const ModuleRecord& record, std::span<const Type> inputs) const {
    const SymbolValues none;
    return Walk(modules_, none, nullptr).run(record.body->module.graph(), inputs, &record).bytes;
  }

  /// Values that nobody reads behind a node.
  void free_behind(const Node& node) {
    const auto free = [&](Owner& own) {
      if (own.last != &node || own.lives_on) return;
      live_ -= own.bytes;
      own.bytes = 0;
    };
    free(owners_[owners_[node.id().index].node->id().index]);
    for (const Use& use : node.inputs()) free(owners_[owners_[use.producer()->id().index].node->id().index]);
  }

  const ModuleTable& modules_;
  const SymbolValues& symbols_;
  const std::function<bool(const Node&)>& is_kept_;
  const ModuleRecord* record_ = nullptr;
  std::vector<Type> types_;  // by index of the node, as are the owners
  std::vector<Owner> owners_;
  int64_t live_ = 0;
  PeakMemory peak_;
};

}  // namespace

int64_t bytes_of(const TensorType& type) {
  auto bytes = static_cast<int64_t>(dtype_bytes(type.dtype));
  for (const Dim& dim : type.dims) {
    const auto extent = dim.maybe_value();
    if (!extent || *extent <= 0) return 0;
    bytes = saturating_product(bytes, *extent);
  }
  return bytes;
}

PeakMemory peak_memory(const GraphModule& module, std::span<const TensorType> inputs,
                       const std::function<bool(const Node&)>& is_kept) {
  SymbolValues symbols;
  std::vector<Type> given;
  const std::vector<Node*> declared = module.graph().inputs();
  for (size_t i = 0; i < inputs.size() && i < declared.size(); ++i) {
    if (const TensorType* type = declared[i]->tensor()) learn_symbols(*type, inputs[i], symbols);
    given.emplace_back(inputs[i]);
  }
  return Walk(module.modules(), symbols, is_kept).run(module.graph(), given, nullptr);
}

int64_t parameter_bytes(const GraphModule& module) {
  int64_t bytes = 0;
  for (const auto& [name, type] : module.parameters()) bytes = saturating_sum(bytes, bytes_of(type));
  return bytes;
}

void refuse_beyond(const PeakMemory& peak, int64_t needed, int64_t allowed, std::string_view doing) {
  if (needed <= allowed) return;
  const std::string where =
      peak.node ? cat(" at %", peak.node->name().str(), ", which is ", peak.type.text()) : std::string();
  auto error = Error("memory.limit",
                     cat(doing, " takes about ", human_bytes(static_cast<uint64_t>(needed)), " of memory", where,
                         "; there are ", human_bytes(static_cast<uint64_t>(std::max<int64_t>(allowed, 0)))),
                     peak.node ? "smaller inputs, a smaller batch, or a larger limit"
                               : "a larger limit where one can be given, or a machine with more memory");
  if (peak.node) error.at(place_of(*peak.node));
  throw error;
}

}  // namespace graftwork::core
