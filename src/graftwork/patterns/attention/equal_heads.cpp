// %y = ScaledDotProductAttention(%q, %k, %v[, %mask])     =>   %q, %k = %q, %k padded to the width of %v
//                                                              %y = ScaledDotProductAttention(%q, %k, %v[, %mask])
//
// or %v padded to the width of %k, and the result cut. Zeros add nothing to a product, and attention is one kernel only
// where keys and values have the same width (rule M1).
#include <algorithm>

#include "graftwork/base/text.h"
#include "graftwork/patterns/attention/one_kernel.h"
#include "graftwork/patterns/attention/patterns.h"

namespace graftwork::core {
namespace {

struct EqualHeadsPattern final : Pattern {
  Pat attention = op("ScaledDotProductAttention")(any(), any(), any()).and_more_inputs().where(has_two_widths, "");

  std::string_view name() const override { return "EqualHeadsPattern"; }
  std::vector<Pat> roots() const override { return {attention}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& call = match[attention];
    const int64_t keys = width(call, 1), values = width(call, 2), both = std::max(keys, values);
    if (!is_head_of_one_kernel(both)) return declined(cat("heads of ", both, " numbers have no kernel (rule M1)"));
    const auto padded = [&](size_t input, int64_t now) {
      return now == both
                 ? &call.input(input)
                 : &graft.call_function("aten.pad.default", {&call.input(input)},
                                        {{"pad", Attribute(std::vector<int64_t>{0, both - now})}}, call.origin());
    };
    std::vector<Node*> operands{padded(0, keys), padded(1, keys), padded(2, values)};
    if (call.input_count() > operands.size()) operands.push_back(&call.input(3));
    Node& wide = graft.call_module(call.module(), operands);
    if (values == both) return graft.replace(call, wide);
    return graft.replace(
        call, graft.call_function("aten.slice.Tensor", {&wide},
                                  {{"dim", int64_t{-1}}, {"start", int64_t{0}}, {"end", values}}, call.origin()));
  }

 private:
  /// -1 where it is known at run time only.
  static int64_t width(const Node& call, size_t input) {
    const TensorType* type = call.input(input).tensor();
    return type && type->rank() >= 2 ? type->dims.back().maybe_value().value_or(-1) : -1;
  }

  static bool has_two_widths(const GraphModule&, const Node& call) {
    const int64_t keys = width(call, 1), values = width(call, 2);
    return keys > 0 && values > 0 && keys != values;
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_equal_heads_pattern() { return std::make_shared<EqualHeadsPattern>(); }

}  // namespace graftwork::core
