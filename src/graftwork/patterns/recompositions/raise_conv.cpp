// %y = aten.conv2d.default(%x, %weight, %bias)   =>   %y = nn.Conv2d @path(%x) {...}
//
// All ranks, the padding="same" forms (what they add on one side alone becomes an aten.pad in front), and core ATen's
// aten.convolution, transposed too.
#include "graftwork/patterns/recompositions/conv_record.h"
#include "graftwork/patterns/recompositions/patterns.h"

namespace graftwork::core {
namespace {

struct RaiseConvPattern final : Pattern {
  Pat x = any();
  Pat conv = op(std::span<const Symbol>(convolution_operators()))(x).and_more_inputs();

  std::string_view name() const override { return "RaiseConvPattern"; }
  std::vector<Pat> roots() const override { return {conv}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    Node& node = match[conv];
    const ParamExpr* weight = parameter_input(node, 1);
    if (!weight) return declined("its weight is computed in the graph");
    RaisedConv raised;
    if (Outcome read = read_conv(node, *weight, raised); !read) return read;
    return replace_by_conv(graft, node, match[x], std::move(raised));
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_raise_conv_pattern() { return std::make_shared<RaiseConvPattern>(); }

}  // namespace graftwork::core
