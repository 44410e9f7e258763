// What the table of kinds says against what torch does: every kind runs, and gives the shape and type that it promises.
#include <gtest/gtest.h>

#include <set>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/nn/operator_call.h"
#include "support/networks.h"
#include "unit/nn/random_tensors.h"

namespace graftwork::core::testing {
namespace {

/// One call on an input of this type: "KIND{attributes}", or "KIND{attributes}[parts]" for fused modules. A second type
/// is a second input.
struct Case {
  const char* input;
  const char* call;
  const char* second = nullptr;
  int item = -1;  ///< The result is this element of a tuple.
};

const std::vector<Case>& module_cases() {
  static const std::vector<Case> cases{
      {"f32[2, 6, 17]",
       "nn.Conv1d {in_channels=6, out_channels=4, kernel_size=[4], stride=[3], padding=[2], dilation=[2], groups=2}"},
      {"f32[2, 3, 17, 13]",
       "nn.Conv2d {in_channels=3, out_channels=5, kernel_size=[3, 2], stride=[2, 3], padding=[1, 0], dilation=[2, 1]}"},
      {"f32[1, 8, 1, 9]", "nn.Conv2d {in_channels=8, out_channels=8, kernel_size=[1, 9], groups=8, bias=none}"},
      {"f32[1, 4, 7, 8, 9]",
       "nn.Conv3d {in_channels=4, out_channels=2, kernel_size=[3, 1, 2], stride=[2, 2, 1], padding=[1, 0, 1]}"},
      {"f32[2, 4, 9]",
       "nn.ConvTranspose1d {in_channels=4, out_channels=6, kernel_size=[3], stride=[2], padding=[1], "
       "output_padding=[1], groups=2}"},
      {"f32[1, 4, 5, 7]",
       "nn.ConvTranspose2d {in_channels=4, out_channels=2, kernel_size=[3, 2], stride=[3, 1], dilation=[1, 2]}"},
      {"f32[1, 4, 3, 2, 5]",
       "nn.ConvTranspose3d {in_channels=4, out_channels=2, kernel_size=[2, 2, 2], stride=[2, 1, 2], bias=none}"},
      {"f32[7]", "nn.Linear {in_features=7, out_features=3}"},
      {"f32[2, 5, 7]", "nn.Linear {in_features=7, out_features=3, bias=none}"},
      {"f32[3, 5]", "nn.BatchNorm1d {num_features=5}"},
      {"f32[3, 5, 4]", "nn.BatchNorm1d {num_features=5, weight=none}"},
      {"f32[1, 5, 3, 1]", "nn.BatchNorm2d {num_features=5, bias=none, eps=1}"},
      {"f32[1, 5, 2, 3, 4]", "nn.BatchNorm3d {num_features=5}"},
      {"f32[2, 3]", "nn.ReLU"},
      {"f32[2, 3]", "nn.ReLU6"},
      {"f32[2, 3]", "nn.LeakyReLU {negative_slope=1}"},
      {"f32[2, 3]", "nn.ELU {alpha=2}"},
      {"f32[2, 3]", "nn.GELU {approximate=\"tanh\"}"},
      {"f32[2, 3]", "QuickGELU"},
      {"f32[2, 3]", "nn.SiLU"},
      {"f32[2, 3]", "nn.Hardswish"},
      {"f32[2, 3]", "nn.Hardsigmoid"},
      {"f32[2, 3]", "nn.Sigmoid"},
      {"f32[2, 3]", "nn.Tanh"},
      {"f32[2, 3]", "nn.PReLU {num_parameters=3}"},
      {"f32[2, 3]", "nn.Mish"},
      {"f32[2, 3, 11, 8]", "nn.MaxPool2d {kernel_size=[3, 2], stride=[2, 3], padding=[1, 1], dilation=[2, 1]}"},
      {"f32[2, 3, 11, 8]",
       "nn.MaxPool2d {kernel_size=[3, 2], stride=[2, 3], padding=[1, 1], dilation=[2, 1], ceil_mode=true}"},
      {"f32[2, 3, 6, 5]", "nn.MaxPool2d {kernel_size=[2, 2], stride=[3, 2], padding=[1, 1], ceil_mode=true}"},
      {"f32[3, 5, 4]", "nn.MaxPool2d {kernel_size=[1, 1], stride=[2, 3], ceil_mode=true}"},
      {"f32[2, 3, 11, 8]", "nn.AvgPool2d {kernel_size=[4, 3], stride=[3, 2], padding=[2, 1]}"},
      {"f32[2, 3, 6, 7]",
       "nn.AvgPool2d {kernel_size=[2, 2], stride=[4, 3], padding=[1, 1], ceil_mode=true, count_include_pad=false}"},
      {"f32[2, 3, 11, 8]", "nn.AdaptiveAvgPool2d {output_size=[3, 5]}"},
      {"f32[3, 5, 4]", "nn.AdaptiveAvgPool2d {output_size=[7, 1]}"},
      {"f32[2, 3, 11]", "nn.MaxPool1d {kernel_size=[3], stride=[2], padding=[1], dilation=[2], ceil_mode=true}"},
      {"f32[2, 3, 6, 7, 8]", "nn.MaxPool3d {kernel_size=[3, 2, 1], stride=[2, 1, 3], padding=[1, 0, 0]}"},
      {"f32[2, 3, 11]", "nn.AvgPool1d {kernel_size=[4], stride=[3], padding=[2], count_include_pad=false}"},
      {"f32[2, 3, 6, 7, 8]", "nn.AvgPool3d {kernel_size=[3, 2, 1], stride=[2, 1, 3], padding=[1, 0, 0]}"},
      {"f32[2, 3, 11]", "nn.AdaptiveAvgPool1d {output_size=[4]}"},
      {"f32[2, 3, 6, 7, 8]", "nn.AdaptiveAvgPool3d {output_size=[1, 2, 3]}"},
      {"f32[2, 3, 11]", "nn.AdaptiveMaxPool1d {output_size=[4]}"},
      {"f32[2, 3, 11, 8]", "nn.AdaptiveMaxPool2d {output_size=[3, 5]}"},
      {"f32[2, 3, 6, 7, 8]", "nn.AdaptiveMaxPool3d {output_size=[1, 2, 3]}"},
      {"f32[2, 6, 5]", "nn.InstanceNorm1d {num_features=6}"},
      {"f32[2, 6, 5, 4]", "nn.InstanceNorm2d {num_features=6, weight=none, bias=none, eps=1}"},
      {"f32[2, 6, 5, 4, 3]", "nn.InstanceNorm3d {num_features=6}"},
      {"f32[2, 6, 5, 4]", "nn.GroupNorm {num_groups=3, num_channels=6}"},
      {"f32[2, 6]", "nn.GroupNorm {num_groups=2, num_channels=6, weight=none, bias=none}"},
      {"f32[2, 5, 6]", "nn.LayerNorm {normalized_shape=[5, 6]}"},
      {"f32[2, 5, 6]", "nn.LayerNorm {normalized_shape=[6], bias=none, eps=1}"},
      {"f32[2, 5, 6]", "nn.RMSNorm {normalized_shape=[6]}"},
      {"f32[2, 5, 6]", "nn.RMSNorm {normalized_shape=[5, 6], weight=none, eps=1}"},
      {"f32[2, 3, 7]", "nn.Upsample {mode=\"linear\", scale_factor=[1.7]}"},
      {"f32[2, 3, 7, 5]", "nn.Upsample {scale_factor=[2, 0.5]}"},
      {"f32[2, 3, 7, 5]", "nn.Upsample {mode=\"nearest-exact\", size=[9, 4]}"},
      {"f32[2, 3, 7, 5]", "nn.Upsample {mode=\"bilinear\", size=[9, 4], align_corners=true}"},
      {"f32[2, 3, 7, 5]", "nn.Upsample {mode=\"bicubic\", scale_factor=[1.5, 2.25]}"},
      {"f32[2, 3, 4, 7, 5]", "nn.Upsample {mode=\"trilinear\", scale_factor=[2, 3, 1.3]}"},
      {"f32[2, 12, 3, 5]", "nn.PixelShuffle {upscale_factor=2}"},
      {"f32[2, 3, 4, 6]", "nn.PixelUnshuffle {downscale_factor=2}"},
      {"f32[2, 12, 3, 5]", "nn.ChannelShuffle {groups=3}"},
      {"f32[2, 3, 4, 5]", "nn.Flatten"},
      {"f32[2, 3, 4, 5]", "nn.Flatten {start_dim=-3, end_dim=2}"},
      {"f32[2, 3]", "nn.Dropout"},
      {"i64[2, 3]", "nn.Identity"},
      {"f32[2, 3]", "QuantStub {scale=@s: f32[]}"},
      {"f32[2, 3, 4, 5]", "ChannelScale {channels=3, axis=1}"},
      {"f32[2, 3]", "WeightFakeQuantize {axis=1, scale=@s: f32[3]}"},
      {"f32[1, 3, 9, 8]",
       "FusedConvBN [conv=nn.Conv2d @c {in_channels=3, out_channels=4, kernel_size=[3, 3], stride=[2, 2]}]"},
      {"f32[1, 3, 9, 8]",
       "FusedConvBNAct [conv=nn.Conv2d @c {in_channels=3, out_channels=4, kernel_size=[2, 2]}, bn=nn.BatchNorm2d @b "
       "{num_features=4}, act=nn.SiLU @a]"},
      {"f32[1, 3, 9, 8]",
       "FusedConvBNActMaxPool [conv=nn.Conv2d @c {in_channels=3, out_channels=4, kernel_size=[2, 2]}, act=nn.ReLU @a, "
       "pool=nn.MaxPool2d @p {kernel_size=[3, 3], stride=[2, 2], ceil_mode=true}]"},
      {"f32[1, 3, 9, 8]",
       "FusedConvBNAddAct [conv=nn.Conv2d @c {in_channels=3, out_channels=4, kernel_size=[2, 2]}, act=nn.ReLU @a]",
       "f32[1, 4, 8, 7]"},
      {"f32[1, 3, 9, 8]",
       "FusedConvBNAdd [conv=nn.Conv2d @c {in_channels=3, out_channels=4, kernel_size=[2, 2]}, bn=nn.BatchNorm2d @b "
       "{num_features=4}]",
       "f32[1, 4, 8, 7]"},
      {"f32[1, 4, 9]",
       "FusedConvBNAct [conv=nn.ConvTranspose1d @c {in_channels=4, out_channels=6, kernel_size=[2], stride=[2], "
       "groups=2}, bn=nn.BatchNorm1d @b {num_features=6}, act=nn.SiLU @a]"},
      {"f32[2, 7]", "FusedLinear [linear=nn.Linear @l {in_features=7, out_features=3}]"},
      {"f32[2, 5, 7]", "FusedLinearAct [linear=nn.Linear @l {in_features=7, out_features=3}, act=nn.GELU @a]"},
      {"f32[2, 7]", "FusedActAdd [act=nn.SiLU @a]", "f32[2, 7]"},
      {"f32[1, 3, 9, 8]", "FusedAdaptiveAvgPool2d [pool=nn.AdaptiveAvgPool2d @p {output_size=[2, 2]}]"}};
  return cases;
}

const std::vector<Case>& operator_cases() {
  static const std::vector<Case> cases{
      {"f32[2, 3]", "aten.relu.default"},
      {"f32[2, 3]", "aten.sigmoid.default"},
      {"f16[2, 3]", "aten.tanh.default"},
      {"f32[2, 3]", "aten.silu.default"},
      {"f32[2, 3]", "aten.gelu.default {approximate=\"tanh\"}"},
      {"f32[2, 3]", "aten.hardtanh.default {min_val=0, max_val=6}"},
      {"f32[2, 3]", "aten.clamp.default {min=none, max=0.5}"},
      {"i64[2, 3]", "aten.neg.default"},
      {"f32[2, 3]", "aten.abs.default"},
      {"f32[2, 3]", "aten.exp.default"},
      {"f32[2, 3]", "aten.sqrt.default"},
      {"f32[2, 3]", "aten.rsqrt.default"},
      {"bool[2, 3]", "aten.clone.default"},
      {"f32[2, 3]", "aten.contiguous.default"},
      {"f32[2, 3]", "aten.alias.default"},
      {"f32[2, 3]", "aten.detach.default"},
      {"f32[2, 3]", "aten.dropout.default {p=0.5, train=false}"},
      {"f32[2, 3]", "aten.softmax.int {dim=-1}"},
      {"f32[2, 3]", "aten.lift_fresh_copy.default"},
      {"f32[2, 3]", "aten.hardswish.default"},
      {"f32[2, 3]", "aten.hardsigmoid.default"},
      {"f32[2, 3]", "aten.leaky_relu.default {negative_slope=1}"},
      {"f32[2, 3]", "aten.elu.default {alpha=2}"},
      {"f32[2, 3]", "aten.mish.default"},
      {"f32[2, 3]", "aten.add.Tensor {alpha=2}", "f32[3]"},
      {"f32[2, 1, 4]", "aten.sub.Tensor", "f32[3, 1]"},
      {"f16[2, 3]", "aten.mul.Tensor {other=2.5}"},
      {"f32[2, 3]", "aten.div.Tensor", "f32[]"},
      {"f32[]", "aten.maximum.default", "f32[2]"},
      {"i32[2, 3]", "aten.minimum.default", "i32[2, 3]"},
      {"f32[2, 3, 4]", "aten.view.default {size=[4, -1]}"},
      {"f32[2, 3, 4]", "aten.reshape.default {shape=[6, 2, 2]}"},
      {"f32[2, 3, 4]", "aten.permute.default {dims=[2, -3, 1]}"},
      {"f32[2, 3, 4]", "aten.transpose.int {dim0=-1, dim1=0}"},
      {"f32[2, 3, 4]", "aten.cat.default {dim=-2}", "f32[2, 1, 4]"},
      {"f32[2, 3, 4]", "aten.flatten.using_ints {end_dim=1}"},
      {"f32[2, 3, 4]", "aten.mean.dim {dim=[-1, 0]}"},
      {"f32[2, 3, 4]", "aten.mean.dim {dim=[1], keepdim=true}"},
      {"f32[2, 3, 4]", "aten.mean.dim {dim=[]}"},
      {"f32[2, 3, 4]", "aten.mean.dim {dim=none, keepdim=true}"},
      {"f16[2, 3, 4]", "aten.mean.dim {dim=[1], dtype=f32}"},
      {"f16[2, 3]", "aten.softmax.int {dim=-1, dtype=f32}"},
      {"i64[2, 3]", "aten.sigmoid.default"},
      {"i64[2, 3]", "aten.mul.Tensor {other=2.5}"},
      {"i64[2, 3]", "aten.mul.Tensor {other=2}"},
      {"bool[2, 3]", "aten.add.Tensor {other=2}"},
      {"i64[2, 3]", "aten.clamp.default {min=0.5}"},
      {"i64[2, 3]", "aten.clamp.default {min=none, max=1}"},
      {"i64[2, 3]", "aten.div.Tensor", "i64[2, 3]"},
      {"i64[2, 3]", "aten.div.Tensor {other=2}"},
      {"i64[2, 3]", "aten.mul.Tensor", "f32[]"},
      {"f16[2, 3]", "aten.mul.Tensor", "f32[]"},
      {"f16[2, 3]", "aten.add.Tensor", "i64[3]"},
      {"f32[2, 3]", "aten.unsqueeze.default {dim=-1}"},
      {"f32[2, 1, 3]", "aten.squeeze.dim {dim=1}"},
      {"f32[2, 1, 3]", "aten.squeeze.dim {dim=0}"},
      {"f32[2, 3]", "aten.relu6.default"},
      {"f32[2, 3]", "aten.selu.default"},
      {"f32[2, 3]", "aten.celu.default {alpha=2}"},
      {"f32[2, 3]", "aten.softplus.default {beta=2}"},
      {"i64[2, 3]", "aten.sign.default"},
      {"i64[2, 3]", "aten.zeros_like.default"},
      {"bool[2, 3]", "aten.zeros_like.default {dtype=f32}"},
      {"f32[2, 3]", "aten.log_sigmoid.default"},
      {"i64[2, 3]", "aten.erf.default"},
      {"f32[2, 3]", "aten.log.default"},
      {"f32[2, 3]", "aten.log1p.default"},
      {"f32[2, 3]", "aten.sin.default"},
      {"i64[2, 3]", "aten.cos.default"},
      {"f32[2, 3]", "aten.reciprocal.default"},
      {"f32[2, 3]", "aten.pow.Tensor_Scalar {exponent=2}"},
      {"i64[2, 3]", "aten.pow.Tensor_Scalar {exponent=2}"},
      {"i64[2, 3]", "aten.pow.Tensor_Scalar {exponent=0.5}"},
      {"f32[2, 3, 4]", "aten.stack.default {dim=-1}", "f32[2, 3, 4]"},
      {"f32[2, 7, 4]", "aten.slice.Tensor {dim=1, start=-5, end=100, step=2}"},
      {"f32[2, 7, 4]", "aten.slice.Tensor {dim=1, start=6, end=3}"},
      {"f32[2, 7, 4]", "aten.slice.Tensor"},
      {"f32[2, 7, 4]", "aten.select.int {dim=-2, index=-1}"},
      {"f32[2, 7, 4]", "aten.split.Tensor {split_size=3, dim=1}", nullptr, 2},
      {"f32[2, 7]", "aten.split_with_sizes.default {split_sizes=[5, 2], dim=-1}", nullptr, 1},
      {"f32[2, 7]", "aten.chunk.default {chunks=3, dim=1}", nullptr, 2},
      {"f32[2, 7, 4]", "aten.pad.default {pad=[1, 2, -1, 3]}"},
      {"f32[2, 7, 4]", "aten.constant_pad_nd.default {pad=[1, 2], value=1}"},
      {"f32[2, 3]", "aten.to.dtype {dtype=f16}"},
      {"f32[2, 3, 4]", "aten.matmul.default", "f32[4, 5]"},
      {"f32[2, 1, 3, 4]", "aten.matmul.default", "f32[6, 4, 5]"},
      {"f16[4]", "aten.matmul.default", "f16[4]"},
      {"f32[4]", "aten.matmul.default", "f32[2, 4, 5]"},
      {"f32[2, 3, 4]", "aten.matmul.default", "f32[4]"},
      {"f32[2, 3, 4]", "aten.bmm.default", "f32[2, 4, 5]"},
      {"f32[2, 6, 3]", "aten.unflatten.int {dim=-2, sizes=[2, -1]}"},
      {"f32[2, 6, 3]", "aten.unflatten.int {dim=1, sizes=[-1, 2, 3]}"},
      {"f32[2, 3, 4]", "aten.unbind.int {dim=-2}", nullptr, 2},
      {"i64[2, 3]", "aten.unbind.int", nullptr, 1},
      {"f32[2, 1, 3]", "aten.expand.default {size=[4, -1, 5, 3]}"},
      {"bool[2, 1, 3]", "aten.expand.default {size=[2, 0, -1]}"},
      {"f32[2, 3]", "aten.masked_fill.Scalar {value=-1}", "bool[2, 1]"},
      {"f32[2, 1]", "aten.masked_fill.Scalar {value=0.5}", "bool[4, 1, 3]"},
      {"i64[2, 3]", "aten.masked_fill.Scalar {value=2}", "bool[]"},
      {"f16[2, 3]", "aten.mul.Scalar {other=0.5}"},
      {"i64[2, 3]", "aten.mul.Scalar {other=0.5}"},
      {"i64[2, 3]", "aten.mul.Scalar {other=2}"},
      {"f16[2, 3]", "aten.div.Scalar {other=4}"},
      {"i64[2, 3]", "aten.div.Scalar {other=2}"},
      {"f32[2, 3]", "aten.logical_not.default"},
      {"bool[2, 1]", "aten.logical_or.default", "bool[3]"},
      {"f32[2, 3]", "aten.logical_and.default", "i64[4, 1, 1]"},
      {"i64[2, 3]", "aten.eq.Scalar {other=0.5}"},
      {"bool[2, 3, 4]", "aten.all.dim {dim=-1, keepdim=true}"},
      {"f32[2, 3, 4]", "aten.all.dim {dim=1}"},
      {"u8[2, 3]", "aten.all.dim {dim=0}"},
      {"bool[]", "aten.all.dim {dim=-1}"},
      {"f32[2, 3, 4]", "aten.amax.default {dim=[-1, 0], keepdim=true}"},
      {"i64[2, 3, 4]", "aten.amax.default {dim=[1]}"},
      {"f32[2, 3, 4]", "aten.amax.default {dim=[]}"},
      {"f32[]", "aten.amax.default {dim=[0]}"}};
  return cases;
}

Symbol kind_of(const Case& call) { return std::string(call.call).substr(0, std::string(call.call).find(' ')); }

std::string text_of(const Case& call, bool is_module) {
  const std::string text = call.call;
  const size_t space = text.find(' ');
  const std::string rest = space == std::string::npos ? "" : text.substr(space);
  const std::string second = call.second ? cat(", %z: ", call.second) : "";
  const std::string item = call.item < 0 ? "" : cat("\n  %y = get_item(%t) {index=", call.item, "}");
  return cat("graph(%x: ", call.input, second, ") {\n  %", call.item < 0 ? "y" : "t", " = ", kind_of(call).str(),
             is_module ? " @m" : "", "(%x", call.second ? ", %z" : "", ")", rest, item, "\n  return %y\n}\n");
}

void expect_promise_kept(const Case& call, bool is_module) {
  SCOPED_TRACE(cat(call.input, " ", call.call));
  const Network network = network_of(text_of(call, is_module));
  const Node& node = node_named(network.module, "y");
  std::vector<at::Tensor> results;
  try {
    results = Executor(network.module).run(network.tensors, random_inputs(network.module));
  } catch (const Error& error) {
    FAIL() << error.report();
  }
  EXPECT_EQ(node.type().text(), type_of(results[0]).text());
}

TEST(Kinds, PromiseTheShapesThatModulesGive) {
  for (const Case& call : module_cases()) expect_promise_kept(call, true);
}

TEST(Kinds, PromiseTheShapesThatOperatorsGive) {
  for (const Case& call : operator_cases()) expect_promise_kept(call, false);
}

TEST(Kinds, AreAllInTheCasesAbove) {
  std::set<std::string> seen;
  for (const auto* cases : {&module_cases(), &operator_cases()}) {
    for (const Case& call : *cases) seen.insert(kind_of(call).str());
  }
  // A kernel's shape is that of its body, operator by operator: its golden, which runs it, is enough.
  for (const auto& kind : KindTable::torch()->all()) {
    EXPECT_TRUE(seen.contains(kind->name.str())) << kind->name.str() << " has no case";
  }
}

TEST(Kinds, CanAllBeRun) {
  for (const auto& shared : KindTable::torch()->all()) {
    const Kind& kind = *shared;
    const bool runs = kind.family == Family::kOperator ? find_operator(kind.name).has_value() : has_kernel(kind.name);
    EXPECT_TRUE(runs) << kind.name.str();
  }
  EXPECT_FALSE(has_kernel("nn.Nothing"));
}

/// Whether torch has no result either, of an operator.
bool torch_refuses(const Case& call) {
  const Symbol op = kind_of(call);
  std::string text = text_of(call, false);
  text.replace(text.find(op.str()), op.str().size(), "test.unknown");
  const GraphModule module = parse_network(text);
  std::vector<c10::IValue> inputs;
  for (const at::Tensor& input : random_inputs(module)) inputs.emplace_back(input);
  try {
    OperatorCall(op, node_named(module, "y").attrs(), inputs.size()).run(pointers_to(inputs), at::kCPU);
    return false;
  } catch (const std::exception&) {
    return true;
  }
}

TEST(Kinds, RefuseWhatTorchRefuses) {
  const std::vector<Case> wrong{
      {"f32[1, 3, 4, 4]", "nn.Conv2d {in_channels=3, out_channels=4, kernel_size=[5, 5]}"},
      {"f32[1, 3, 4, 4]", "nn.Conv2d {in_channels=3, out_channels=4, kernel_size=[3, 3], dilation=[2, 2]}"},
      {"f32[1, 4, 4, 4]", "nn.Conv2d {in_channels=3, out_channels=4, kernel_size=[1, 1]}"},
      {"f32[2, 6]", "nn.Linear {in_features=7, out_features=3}"},
      {"f32[2, 6, 4, 4]", "nn.BatchNorm2d {num_features=5}"},
      {"f32[1, 3, 2, 2]", "nn.MaxPool2d {kernel_size=[4, 4], stride=[1, 1]}"},
      {"f32[2, 3]", "nn.Flatten {start_dim=2}"}};
  for (const Case& call : wrong) EXPECT_THROW(parse_network(text_of(call, true)), Error) << call.call;
  const std::vector<Case> wrong_operators{{"f32[2, 3]", "aten.view.default {size=[4, -1]}"},
                                          {"f32[2, 3]", "aten.permute.default {dims=[0]}"},
                                          {"f32[2, 3]", "aten.add.Tensor", "f32[2]"},
                                          {"f32[2, 3]", "aten.cat.default", "f32[2, 4]"},
                                          {"f32[2, 3]", "aten.unsqueeze.default {dim=3}"},
                                          {"f32[2, 3]", "aten.matmul.default", "f32[2, 3]"},
                                          {"f32[2, 3]", "aten.matmul.default", "f16[3, 2]"},
                                          {"f32[2, 3, 4]", "aten.matmul.default", "f32[3, 4, 5]"},
                                          {"f32[2, 3]", "aten.matmul.default", "f32[]"},
                                          {"f32[2, 3, 4]", "aten.bmm.default", "f32[1, 4, 5]"},
                                          {"f32[3, 4]", "aten.bmm.default", "f32[4, 5]"},
                                          {"f32[2, 6]", "aten.unflatten.int {dim=1, sizes=[4, -1]}"},
                                          {"f32[2, 6]", "aten.unflatten.int {dim=1, sizes=[]}"},
                                          {"f32[2, 6]", "aten.unflatten.int {dim=2, sizes=[2, 3]}"},
                                          {"f32[2, 3]", "aten.unbind.int {dim=2}"},
                                          {"f32[2, 3]", "aten.expand.default {size=[3]}"},
                                          {"f32[2, 3]", "aten.expand.default {size=[-1, 2, 3]}"},
                                          {"f32[2, 3]", "aten.expand.default {size=[2, 4]}"},
                                          {"f32[2, 1]", "aten.expand.default {size=[2, -2]}"},
                                          {"f32[2, 3]", "aten.masked_fill.Scalar {value=0}", "bool[2]"},
                                          {"f32[2, 3]", "aten.masked_fill.Scalar {value=0}", "u8[2, 3]"},
                                          {"f32[2, 3]", "aten.logical_or.default", "bool[4]"},
                                          {"f32[2, 3]", "aten.all.dim {dim=2}"},
                                          {"f32[2, 3]", "aten.amax.default {dim=[-3]}"},
                                          {"f32[2, 3]", "aten.amax.default {dim=[0, -2]}"}};
  for (const Case& call : wrong_operators) {
    EXPECT_THROW(parse_network(text_of(call, false)), Error) << call.call;
    EXPECT_TRUE(torch_refuses(call)) << call.call;
  }
}

}  // namespace
}  // namespace graftwork::core::testing
