// What a fused or converted module computes: a small graph over its parts.
//
//     kernel FusedConvBNAddAct(%x, %residual) {
//       %conv = @conv(%x)
//       %bn = @bn(%conv)?
//       %sum = aten.add.Tensor(%bn, %residual)
//       %act = @act(%sum)
//       return %act
//       quantize %x, %residual
//     }
//
// A kind declares its body once. What a module computes is the body *resolved*: the parts that the module has, with
// their kinds. Modules with the same parts share one, which their ModuleTable keeps. Bodies hold no types, paths,
// parameters or numbers of a network: an attribute that belongs to a module is a RecordRef.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "graftwork/base/outcome.h"
#include "graftwork/ir/graph_module.h"

namespace graftwork::core {

/// How often a part stands in a module of the kind.
enum class PartCount : uint8_t {
  kOne,
  kOptional,  ///< `?`: an absent part passes its first input on.
  kAny,       ///< `*`: parts `role_0`, `role_1`, ... one behind the other; of none its input is passed on.
};
PartCount part_count(const Node& call_part);

/// Whether only parts that may be absent read the input, behind their first: without them a call leaves it out.
bool is_optional_input(const Node& input);

/// Appends the call of a part to a body that is being made.
Node& add_call_part(GraphModule& body, Symbol name, Symbol role, std::span<Node* const> inputs,
                    PartCount count = PartCount::kOne, Symbol kind = "part");

/// A part that owns a weight along whose output channels it can be quantized: a convolution, a linear layer.
struct BodyLayer {
  Symbol role;
  const Node* call = nullptr;
  /// The batch norm that is all that reads the layer, and so folds into it; null when there is none.
  const Node* batch_norm = nullptr;
  /// Child role of its weight's quantizer: "weight_fake_quant", and with the layer's role in front of it where the body
  /// has several layers.
  Symbol weight_quantizer = {};
  AttrMap weight_quantizer_attrs = {};  ///< Those of a new one: "axis".
  /// Whether the kind allows that what the layer reads is quantized.
  bool may_read_quantized = false;
};

/// A body with the parts that a module has.
struct ResolvedBody {
  GraphModule module;  ///< Nodes: inputs, parts by their kinds, operators, get_items; results in its signature.
  std::vector<const Node*> inputs;  ///< Those that a call gives: optional ones with the parts that read them.
  std::vector<BodyLayer> layers;
};

/// The value of that name in a body; null when there is none.
const Node* value_of(const GraphModule& body, Symbol name);

/// Resolves the body of `kind` for parts of these kinds, by role; other roles count for nothing. Throws Error
/// "ir.parts" when a part that the body needs is missing.
std::shared_ptr<const ResolvedBody> resolve_body(const Kind& kind, std::span<const std::pair<Symbol, Symbol>> parts,
                                                 const KindTable& kinds);

/// Roles of the body's parts, in order, each once.
std::vector<Symbol> roles_of(const GraphModule& body);

/// Attributes of an operator of a body in the module `record`: references are replaced by what they stand for. Throws
/// Error "ir.attribute" when the record has no such attribute.
AttrMap attributes_in(const Node& body_node, const ModuleRecord& record, const KindTable& kinds);

/// Types of the results of a module with a body. Throws Error "ir.shape".
Type infer_body(const ResolvedBody& body, const ModuleRecord& record, std::span<const Type> inputs,
                const ModuleTable& modules);

/// The body of the module that a node calls, with types, as a graph whose nodes call the module's parts as modules of
/// `modules`: what to walk where types and records matter. Throws Error "ir.shape".
class BodyInstance {
 public:
  BodyInstance(const ModuleTable& modules, const Node& call);

  const Graph& graph() const { return *graph_; }
  /// The counterpart of a node of the resolved body.
  Node& at(const Node& body_node) const { return *twin_[body_node.id().index]; }
  /// The node of the resolved body that `node` is the counterpart of.
  const Node& origin(const Node& node) const { return *origin_[node.id().index]; }

 private:
  std::unique_ptr<Graph> graph_;
  std::vector<Node*> twin_;          // by index of the resolved body's node
  std::vector<const Node*> origin_;  // by index of the instance's node
};

/// Why the engine has no low-precision kernel for a module with these parts, or that it has one: each part has to have
/// one, and the layers have to be parts of the module itself, where their weights find their quantizers.
Outcome has_low_precision_kernel(const ModuleTable& modules, const ModuleRecord& record);

/// The layer of the module that is the module at `path`; null when it has none.
const BodyLayer* layer_at(const ModuleTable& modules, const ModuleRecord& owner, Symbol path);

/// Child role of a stub on the inner value `value`: "softmax_quant".
Symbol value_quantizer_role(Symbol value);

/// The stubs that a module with a body has on its inner values.
std::vector<ModuleId> value_quantizers(const ModuleRecord& record);

/// The values inside the kind's body on which a stub may stand, those first that it is quantized at.
std::vector<Symbol> inner_values(const Kind& kind);

/// Whether a module of `kind` may have a quantizer of `quantizer_kind` in this child role.
bool is_quantizer_role(const Kind& kind, Symbol role, Symbol quantizer_kind);

/// The one answer to which quantizer the weight of a layer goes through. Inside a module with a body it is the module's
/// child; a layer on its own has its own. A false id when there is none.
ModuleId weight_quantizer(const ModuleRecord& owner, const BodyLayer& layer);
ModuleId weight_quantizer(const ModuleRecord& layer);

}  // namespace graftwork::core
