#include "graftwork/export/modules/attention.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "graftwork/export/opset.h"
#include "graftwork/ir/body.h"
#include "graftwork/nn/half.h"
#include "graftwork/nn/module_kernels.h"

namespace graftwork::core {
namespace {

/// Nodes of a body: softmax(scale · q · kᵀ, masked) · v.
struct Attended {
  const Node* queries = nullptr;
  const Node* keys = nullptr;
  const Node* values = nullptr;
  const Node* scaled = nullptr;
  const Node* masked = nullptr;  // call of the part that masks; null without a mask
};

std::optional<Attended> attended(const Graph& body) {
  static const Symbol kProduct = "aten.matmul.default", kSoftmax = "aten.softmax.int", kScaled = "aten.mul.Scalar",
                      kTurned = "aten.transpose.int";
  const Node& results = *body.output();
  if (results.input_count() != 1 || results.input(0).op() != kProduct) return std::nullopt;
  const Node& result = results.input(0);
  if (result.input(0).op() != kSoftmax) return std::nullopt;
  const Node* scores = &result.input(0).input(0);
  Attended found;
  found.values = &result.input(1);
  if (scores->kind() == NodeKind::kCallPart) {
    found.masked = scores;
    scores = &scores->input(0);
  }
  if (scores->op() != kProduct || scores->input(0).op() != kScaled || scores->input(1).op() != kTurned)
    return std::nullopt;
  found.scaled = &scores->input(0);
  found.queries = &found.scaled->input(0);
  found.keys = &scores->input(1).input(0);
  return found;
}

class AttentionLowering {
 public:
  AttentionLowering(Lowering& lowering, const Node& call)
      : lowering_(lowering), call_(call), record_(lowering.modules()[call.module()]), body_(*record_.body) {}

  bool run() {
    if (!lowering_.options().attention_operator || lowering_.options().float_type == DType::kF32) return false;
    const auto found = attended(body_.module.graph());
    if (!found || is_quantized()) return false;
    const AttrMap attrs = attributes_in(*found->scaled, record_, lowering_.modules().kinds());
    const std::optional<double> scale = number_in(*attrs.find("other"));
    if (!scale) return false;
    std::vector<std::string> inputs;
    for (const Node* operand : {found->queries, found->keys, found->values}) {
      const auto slot = slot_of(*operand);
      if (!slot || !call_.input(*slot).tensor() || call_.input(*slot).tensor()->rank() != 4) return false;
      inputs.push_back(lowering_.operand(call_, *slot));
    }
    if (found->masked) {
      const auto mask = mask_of(*found->masked);
      if (!mask) return false;
      inputs.push_back(*mask);
    }
    lowering_.need_opset(kAttentionOpset);
    lowering_.bind(call_, lowering_.add("Attention", record_.path.str(), std::move(inputs), {{"scale", *scale}},
                                        lowering_.result_name(call_)));
    return true;
  }

 private:
  bool is_quantized() const {
    const std::vector<ModuleId> stubs = value_quantizers(record_);
    return std::any_of(stubs.begin(), stubs.end(), [&](ModuleId stub) {
      return scale_of(lowering_.modules()[stub], lowering_.network().tensors).defined();
    });
  }

  std::optional<size_t> slot_of(const Node& value) const {
    const auto found = std::find(body_.inputs.begin(), body_.inputs.end(), &value);
    return found == body_.inputs.end() ? std::nullopt
                                       : std::optional(static_cast<size_t>(found - body_.inputs.begin()));
  }

  /// As what is added to the scores: the engine runs that in fewer kernels than a choice.
  std::optional<std::string> mask_of(const Node& masked) {
    const ModuleRecord& part = lowering_.modules()[record_.child(masked.role())];
    const auto slot = slot_of(masked.input(1));
    if (!slot || !part.body || part.body->module.graph().output()->input_count() != 1) return std::nullopt;
    const Node& result = part.body->module.graph().output()->input(0);
    const std::string mask = lowering_.operand(call_, *slot);
    if (result.op() == Symbol("aten.add.Tensor")) return mask;
    if (result.op() != Symbol("aten.masked_fill.Scalar")) return std::nullopt;
    const auto value = number_in(*attributes_in(result, part, lowering_.modules().kinds()).find("value"));
    // A finite number is no summand: what is masked throughout would not be uniform.
    if (value != -std::numeric_limits<double>::infinity()) return std::nullopt;
    const std::string name = part.path.str();
    return lowering_.add(
        "Where", name,
        {mask, lowering_.float_scalar(name + ".hidden", *value), lowering_.float_scalar(name + ".shown", 0)});
  }

  Lowering& lowering_;
  const Node& call_;
  const ModuleRecord& record_;
  const ResolvedBody& body_;
};

}  // namespace

bool lower_attention(Lowering& lowering, const Node& call) { return AttentionLowering(lowering, call).run(); }

}  // namespace graftwork::core
