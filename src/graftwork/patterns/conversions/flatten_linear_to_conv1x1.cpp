// %f = nn.Flatten(%x: f32[1, 512, 1, 1])        %d = nn.Dropout(%x)
// %d = nn.Dropout(%f)                       =>  %c = nn.Conv2d(%d) {kernel_size=[1, 1]}
// %y = nn.Linear(%d)                            %y = nn.Flatten(%c)
//
// A classifier behind global pooling becomes a 1×1 convolution, which TensorRT keeps in INT8 with the
// convolutions in front of it. The weight stays a view of the linear layer's.
#include "graftwork/base/text.h"
#include "graftwork/patterns/activations.h"
#include "graftwork/patterns/conversions/patterns.h"

namespace graftwork {
namespace {

OpPat elementwise() {
  std::vector<Symbol> ops{"nn.Dropout"};
  for (const Symbol activation : fusible_activations()) {
    // PReLU counts channels in dimension 1 of either rank, so it may stand here too.
    ops.push_back(activation);
  }
  return op(std::span<const Symbol>(ops));
}

struct FlattenLinearToConv1x1Pattern final : Pattern {
  Pat x = any();
  Pat flatten = op("nn.Flatten")(x);
  Pat between = chain(elementwise(), flatten, 0, 8);
  Pat linear = op("nn.Linear")(between);

  std::string_view name() const override { return "FlattenLinearToConv1x1Pattern"; }
  std::vector<Pat> roots() const override { return {linear}; }

  Outcome graft(const Match& match, Graft& graft) const override {
    const TensorType* in = match[x].tensor();
    const TensorType* flat = match[flatten].tensor();
    if (!in || !flat || in->rank() != 4 || flat->rank() != 2)
      return declined("it does not flatten a 4-D tensor to 2-D");
    if (in->dims[2] != Dim(1) || in->dims[3] != Dim(1)) {
      return declined(cat("the spatial size is ", in->dims[2].text(), "×", in->dims[3].text(), ", not 1×1"));
    }
    const ModuleRecord& dense = graft.module().record(match[linear]);
    const int64_t features = *attribute_of(dense, "in_features")->get<int64_t>();
    const int64_t out = *attribute_of(dense, "out_features")->get<int64_t>();
    ModuleRecord conv;
    conv.path = dense.path.str() + ".conv1x1";
    conv.kind = "nn.Conv2d";
    conv.attrs = {
        {"in_channels", features}, {"out_channels", out}, {"kernel_size", Attribute(std::vector<int64_t>{1, 1})}};
    conv.set_param("weight", dense.param("weight")->view({out, features, 1, 1}));
    if (const ParamExpr* bias = dense.param("bias")) conv.set_param("bias", *bias);
    conv.children = dense.children;  // the scales of a trained network: along the output channels here and there

    Node* value = &match[x];
    for (const Node* node : match.chain(between)) value = &graft.call_module(node->module(), {value});
    value = &graft.call_module(graft.share_record(std::move(conv)), {value});
    value = &graft.call_module(match[flatten].module(), {value});
    return graft.replace(match[linear], *value);
  }
};

}  // namespace

std::shared_ptr<const Pattern> make_flatten_linear_to_conv1x1_pattern() {
  return std::make_shared<FlattenLinearToConv1x1Pattern>();
}

}  // namespace graftwork
