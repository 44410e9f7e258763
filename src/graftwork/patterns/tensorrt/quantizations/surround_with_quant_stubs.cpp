// FusedScaledDotProductAttention(%q, %k, %v[, %mask]), FusedSwinAttention(%q, %k, %v, %state, %mask)
//
// Rules M1 to M3: attention is one kernel of low precision with Q/DQ on q, k, v, behind the softmax and, in INT8,
// behind the second product, within limits that depend on the precision. With one of these missing it falls into
// several kernels that are slower than the one in FP16: then it has no Q/DQ at all.
#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "graftwork/base/text.h"
#include "graftwork/patterns/attention/one_kernel.h"
#include "graftwork/patterns/tensorrt/quantizations/patterns.h"

namespace graftwork::core {
namespace {

/// What the kernels of a precision take.
struct Limits {
  int64_t least_head_size;
  int64_t most_head_size;
  bool only_powers_of_two;
  std::string head_sizes_text;
  int64_t least_keys;
  int64_t most_keys;
  bool gives_codes;  ///< The second product writes codes: what reads it is quantized.
  std::string rule;

  bool takes_heads_of(int64_t size) const {
    const bool fits = !only_powers_of_two || std::has_single_bit(static_cast<uint64_t>(size));
    return size >= least_head_size && size <= most_head_size && fits;
  }
};

/// Nothing where there is no kernel of the precision at all.
std::optional<Limits> limits_of(Precision precision) {
  constexpr int64_t kAnyNumber = std::numeric_limits<int64_t>::max();
  if (precision == Precision::kInt8) return Limits{16, 64, true, "16, 32 or 64", 2, 512, true, " (rule M2)"};
  if (precision == Precision::kFp8) return Limits{8, 256, false, "8 to 256", 32, kAnyNumber, false, " (rule M3)"};
  return std::nullopt;
}

/// Why the engine has no kernel of the precision for it; empty when it has one.
std::string obstacle(const Node& attention, Precision precision) {
  const std::optional<Limits> limits = limits_of(precision);
  if (!limits) return cat("there is no kernel of attention in ", title_of(precision), " (rule M2)");
  const std::string& rule = limits->rule;
  const TensorType *keys = attention.input(1).tensor(), *values = attention.input(2).tensor();
  if (!keys || !values || keys->rank() < 2 || values->rank() < 2) return "the shape of its keys is not known";
  const auto size = keys->dims.back().maybe_value(), count = keys->dims[keys->rank() - 2].maybe_value();
  if (!size || !limits->takes_heads_of(*size))
    return cat("its heads have ", keys->dims.back().text(), " numbers, not ", limits->head_sizes_text, rule);
  if (values->dims.back() != keys->dims.back())
    return cat("its values have ", values->dims.back().text(), " numbers and its keys ", *size, rule);
  if (!count) return "its number of keys is known at run time only" + rule;
  if (*count > limits->most_keys) return cat("it has ", *count, " keys, more than ", limits->most_keys, rule);
  if (*count == 1) return "it has one key (rule M1)";
  if (*count < limits->least_keys) return cat("it has ", *count, " keys, fewer than ", limits->least_keys, rule);
  if (is_single_head(attention)) return "it is a single head of a single sample" + rule;
  return {};
}

struct SurroundWithQuantStubsPattern final : QuantizationPattern {
  Pat attention = op({"FusedScaledDotProductAttention", "FusedSwinAttention"})(any(), any(), any()).and_more_inputs();

  std::string_view name() const override { return "SurroundWithQuantStubsPattern"; }
  std::vector<Pat> roots() const override { return {attention}; }

  void propose(const Match& match, StubDraft& draft) const override {
    const Node& node = match[attention];
    const Precision precision = draft.precision(node);
    const std::string why = obstacle(node, precision);
    if (!why.empty()) return draft.explain(node, why);
    const std::string around =
        cat("attention in one ", title_of(precision), " kernel has Q/DQ on all sides", limits_of(precision)->rule);
    for (const size_t input : {kKeys, kValues}) draft.quantize(node, input, around);
    for (const Symbol value : {"scaled", "softmax"}) draft.quantize(node, value, around);
  }

  void settle(const Match& match, StubDraft& draft) const override {
    const Node& node = match[attention];
    const std::array<bool, 4> sides{draft.quantized(node, kKeys), draft.quantized(node, kValues),
                                    draft.quantized(node, Symbol("scaled")), draft.quantized(node, Symbol("softmax"))};
    const auto count = std::count(sides.begin(), sides.end(), true);
    if (count == 0) return;
    const Precision precision = draft.precision(node);
    const std::optional<Limits> limits = limits_of(precision);
    if (!limits) return draft.leave_float(node, obstacle(node, precision));
    if (count < 4)
      return draft.leave_float(
          node, cat("attention is ", title_of(precision), " with Q/DQ on all sides or on none", limits->rule));
    if (limits->gives_codes && !draft.is_read_as_int8(node))
      draft.leave_float(node, "what it gives is read in floating point" + limits->rule);
  }

 private:
  static constexpr size_t kKeys = 1, kValues = 2;
};

}  // namespace

std::shared_ptr<const QuantizationPattern> make_surround_with_quant_stubs_pattern() {
  return std::make_shared<SurroundWithQuantStubsPattern>();
}

}  // namespace graftwork::core
