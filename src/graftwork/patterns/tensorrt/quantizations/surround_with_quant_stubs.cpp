// FusedScaledDotProductAttention(%q, %k, %v[, %mask]), FusedSwinAttention(%q, %k, %v, %state, %mask)
//
// Rules M1, M2: attention is one kernel of low precision with Q/DQ on q, k, v, behind the softmax and behind the second
// product, within limits that depend on the precision. With one of these missing it falls into several kernels that are
// slower than the one in FP16: then it has no Q/DQ at all.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "graftwork/base/text.h"
#include "graftwork/patterns/tensorrt/quantizations/patterns.h"

namespace graftwork {
namespace {

/// What the kernels of a precision take.
struct Limits {
  std::vector<int64_t> head_sizes;
  std::string head_sizes_text;
  int64_t most_keys;
};

Limits limits_of(Precision precision) {
  switch (precision) {
    case Precision::kInt8:
      return {{16, 32, 64}, "16, 32 or 64", 512};
  }
  return {};
}

bool is_single_head(const Node& attention) {
  for (size_t i = 0; i < 3; ++i) {
    const TensorType* type = attention.input(i).tensor();
    if (!type || type->rank() < 2) return false;
    if (!std::all_of(type->dims.begin(), type->dims.end() - 2, [](const Dim& extent) { return extent == Dim(1); }))
      return false;
  }
  return true;
}

/// Why the engine has no INT8 kernel for it; empty when it has one.
std::string obstacle(const Node& attention, const Limits& limits) {
  const TensorType *keys = attention.input(1).tensor(), *values = attention.input(2).tensor();
  if (!keys || !values || keys->rank() < 2 || values->rank() < 2) return "the shape of its keys is not known";
  const auto size = keys->dims.back().maybe_value(), count = keys->dims[keys->rank() - 2].maybe_value();
  const std::vector<int64_t>& sizes = limits.head_sizes;
  if (!size || std::find(sizes.begin(), sizes.end(), *size) == sizes.end())
    return cat("its heads have ", keys->dims.back().text(), " numbers, not ", limits.head_sizes_text, " (rule M2)");
  if (values->dims.back() != keys->dims.back())
    return cat("its values have ", values->dims.back().text(), " numbers and its keys ", *size, " (rule M2)");
  if (!count) return "its number of keys is known at run time only (rule M2)";
  if (*count > limits.most_keys) return cat("it has ", *count, " keys, more than ", limits.most_keys, " (rule M2)");
  if (*count == 1) return "it has one key (rule M1)";
  if (is_single_head(attention)) return "it is a single head of a single sample (rule M2)";
  return {};
}

struct SurroundWithQuantStubsPattern final : QuantizationPattern {
  Pat attention = op({"FusedScaledDotProductAttention", "FusedSwinAttention"})(any(), any(), any()).and_more_inputs();

  std::string_view name() const override { return "SurroundWithQuantStubsPattern"; }
  std::vector<Pat> roots() const override { return {attention}; }

  void propose(const Match& match, StubDraft& draft) const override {
    const Node& node = match[attention];
    const std::string why = obstacle(node, limits_of(draft.precision()));
    if (!why.empty()) return draft.explain(node, why);
    for (const size_t input : {kKeys, kValues}) draft.quantize(node, input, kAround);
    for (const Symbol value : {"scaled", "softmax"}) draft.quantize(node, value, kAround);
  }

  void settle(const Match& match, StubDraft& draft) const override {
    const Node& node = match[attention];
    const std::array<bool, 4> sides{draft.quantized(node, kKeys), draft.quantized(node, kValues),
                                    draft.quantized(node, Symbol("scaled")), draft.quantized(node, Symbol("softmax"))};
    const auto count = std::count(sides.begin(), sides.end(), true);
    if (count == 0) return;
    if (count < 4) return draft.leave_float(node, "attention is INT8 with Q/DQ on all sides or on none (rule M2)");
    if (!draft.is_read_as_int8(node)) draft.leave_float(node, "what it gives is read in floating point (rule M2)");
  }

 private:
  static constexpr size_t kKeys = 1, kValues = 2;
  static constexpr const char* kAround = "attention in one INT8 kernel has Q/DQ on all sides (rule M2)";
};

}  // namespace

std::shared_ptr<const QuantizationPattern> make_surround_with_quant_stubs_pattern() {
  return std::make_shared<SurroundWithQuantStubsPattern>();
}

}  // namespace graftwork
