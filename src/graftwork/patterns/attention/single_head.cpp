// %y = ScaledDotProductAttention(%q, %k, %v[, %mask])     =>   %q = the first and the second half of %q, as two heads
//                                                              %k, %v = %k, %v for both
//                                                              %y = ScaledDotProductAttention(%q, %k, %v[, %mask])
//
// For a single head of a single sample, of which the engine makes several kernels, whatever their precision (rule M2).
#include <algorithm>

#include "graftwork/base/text.h"
#include "graftwork/patterns/attention/batch.h"
#include "graftwork/patterns/attention/one_kernel.h"
#include "graftwork/patterns/attention/patterns.h"

namespace graftwork::core {
namespace {

struct SplitSingleHeadPattern final : Pattern {
  Pat attention = op("ScaledDotProductAttention")(any(), any(), any()).and_more_inputs().where(is_single, "");

  std::string_view name() const override { return "SplitSingleHeadPattern"; }
  std::vector<Pat> roots() const override { return {attention}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& call = match[attention];
    const TensorType &q = *call.input(0).tensor(), &k = *call.input(1).tensor(), &v = *call.input(2).tensor();
    if (k.dims.back() != v.dims.back() || !is_head_of_one_kernel(k.dims.back().maybe_value().value_or(-1)))
      return declined(
          cat("heads of ", k.dims.back().text(), " and ", v.dims.back().text(), " numbers have no kernel (rule M1)"));
    if (k.dims[k.rank() - 2] == Dim(1)) return declined("it has one key (rule M1)");
    const Dim queries = q.dims[q.rank() - 2];
    if (!queries.is_static() || queries.value() < 4 || queries.value() % 2 != 0)
      return declined(cat("it has ", queries.text(), " queries, not an even number of four or more"));

    std::vector<Node*> operands{halves(call.input(0), graft, call), both(call.input(1), graft, call),
                                both(call.input(2), graft, call)};
    if (call.input_count() > operands.size()) {
      Node& mask = call.input(3);
      const std::vector<Dim>& dims = mask.tensor()->dims;
      const bool is_of_queries = dims.size() >= 2 && dims[dims.size() - 2] != Dim(1);
      operands.push_back(is_of_queries ? halves(mask, graft, call) : &mask);
    }
    if (std::count(operands.begin(), operands.end(), nullptr) != 0)
      return declined("its operands have more than one extent that is known at run time only");
    Node* whole = viewed(graft.call_module(call.module(), operands), call.tensor()->dims, graft, call.origin());
    if (!whole) return declined("its result has more than one extent that is known at run time only");
    return graft.replace(call, *whole);
  }

 private:
  static bool is_single(const GraphModule&, const Node& call) {
    const auto has_heads = [&](size_t input) { return call.input(input).tensor()->rank() > 2; };
    return is_single_head(call) && has_heads(0) && has_heads(1) && has_heads(2) && call.tensor() &&
           (call.input_count() == 3 || call.input(3).tensor());
  }

  /// [..., 1, rows, columns] as [..., 2, rows / 2, columns], whatever its rank.
  static Node* halves(Node& value, Graft& graft, const Node& call) {
    const std::vector<Dim>& now = value.tensor()->dims;
    std::vector<Dim> dims(call.input(0).tensor()->rank(), Dim(1));
    dims[dims.size() - 3] = Dim(2);
    dims[dims.size() - 2] = now[now.size() - 2].floor_div(2);
    dims.back() = now.back();
    return viewed(value, dims, graft, call.origin());
  }

  static Node* both(Node& value, Graft& graft, const Node& call) {
    std::vector<int64_t> size(value.tensor()->rank(), -1);
    size[size.size() - 3] = 2;
    return &graft.call_function("aten.expand.default", {&value}, {{"size", Attribute(std::move(size))}}, call.origin());
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_split_single_head_pattern() { return std::make_shared<SplitSingleHeadPattern>(); }

}  // namespace graftwork::core
