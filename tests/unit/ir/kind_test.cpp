// The table of kinds: what each is, and what it refuses.
#include "graftwork/ir/kind.h"

#include <gtest/gtest.h>

#include <set>

#include "graftwork/base/error.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/verify.h"
#include "support/networks.h"

namespace graftwork::core {
namespace {

const KindTable& table() { return *KindTable::torch(); }
const KindTable& kernels() { return *tensorrt_backend().kinds; }

/// The type of %y in a network with the given inputs and one statement; what went wrong when it is refused.
std::string type_of(const std::string& inputs, const std::string& statement) {
  try {
    const GraphModule module =
        testing::parse_network("graph(" + inputs + ") {\n  %y = " + statement + "\n  return %y\n}\n");
    return module.graph().output()->input(0).type().text();
  } catch (const Error& error) {
    return error.message();
  }
}

TEST(KindTable, EachKindIsWhole) {
  for (const auto& shared : table().all()) {
    const Kind& kind = *shared;
    SCOPED_TRACE(kind.name.str());
    EXPECT_EQ(table().find(kind.name), &kind);
    EXPECT_TRUE(kind.shape) << "every kind has a shape function";
    EXPECT_LE(kind.min_inputs, kind.max_inputs);
    for (const AttrSpec& spec : kind.attrs) {
      if (spec.default_value) {
        EXPECT_TRUE(spec.form.admits(*spec.default_value)) << spec.name.str();
      }
    }
    std::set<std::string> names;
    for (const AttrSpec& spec : kind.attrs) EXPECT_TRUE(names.insert(spec.name.str()).second) << spec.name.str();
    for (const ParamSpec& spec : kind.params) EXPECT_TRUE(names.insert(spec.name.str()).second) << spec.name.str();
  }
}

TEST(KindTable, FusedKindsNameTheirPartsAndStubs) {
  size_t count = 0;
  for (const auto& shared : kernels().all()) {
    const Kind& kind = *shared;
    if (!kind.is_fused()) continue;
    SCOPED_TRACE(kind.name.str());
    ++count;
    EXPECT_TRUE(kind.name.str().starts_with("Fused"));
    ASSERT_TRUE(kind.body);
    EXPECT_NO_THROW(verify(*kind.body));
    EXPECT_FALSE(roles_of(*kind.body).empty());
    for (const int64_t input : kind.inputs_to_quantize) EXPECT_LT(static_cast<size_t>(input), kind.max_inputs);
    EXPECT_NE(kind.attr("stubs"), nullptr);
  }
  EXPECT_EQ(count, tensorrt_fusions().size()) << "each of TensorRT's fusions makes a kernel of its own";
}

TEST(KindTable, KnowsWhatIsQuantizedWhere) {
  EXPECT_EQ(kernels().at("FusedConvBNAddAct").inputs_to_quantize, (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(kernels().at("FusedActAdd").inputs_to_quantize, (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(kernels().at("FusedLinear").inputs_to_quantize, (std::vector<int64_t>{0}));
  EXPECT_TRUE(kernels().at("FusedAdaptiveAvgPool2d").inputs_to_quantize.empty());
  EXPECT_EQ(table().at("nn.Conv2d").output_channel_axis, 0);
  EXPECT_EQ(table().at("nn.ConvTranspose2d").output_channel_axis, 1);
  EXPECT_EQ(table().at("nn.Linear").output_channel_axis, 0);
  EXPECT_EQ(table().at("nn.ReLU").output_channel_axis, -1);
}

TEST(KindTable, FindsNothingForAnUnknownName) {
  EXPECT_EQ(table().find("nn.NoSuchThing"), nullptr);
  EXPECT_EQ(table().find(""), nullptr);
  EXPECT_THROW(table().at("nn.NoSuchThing"), InternalError);
}

TEST(KindTable, RefusesTwoKindsOfOneName) {
  Kind kind;
  kind.name = "Twice";
  EXPECT_THROW(KindTable({kind, kind}), Error);
}

TEST(Shape, OfConvolutions) {
  const std::string x = "%x: f32[2, 4, 15, 16]";
  EXPECT_EQ(type_of(x, "nn.Conv2d @c(%x) {in_channels=4, out_channels=8, kernel_size=[3, 3]}"), "f32[2, 8, 13, 14]");
  EXPECT_EQ(
      type_of(x, "nn.Conv2d @c(%x) {in_channels=4, out_channels=8, kernel_size=[3, 3], stride=[2, 2], padding=[1, 1]}"),
      "f32[2, 8, 8, 8]");
  EXPECT_EQ(
      type_of(x, "nn.Conv2d @c(%x) {in_channels=4, out_channels=8, kernel_size=[3, 3], dilation=[2, 3], groups=2}"),
      "f32[2, 8, 11, 10]");
  EXPECT_EQ(type_of("%x: f16[1, 3, 9]", "nn.Conv1d @c(%x) {in_channels=3, out_channels=2, kernel_size=[9]}"),
            "f16[1, 2, 1]");
  EXPECT_EQ(
      type_of("%x: f32[s0, 3, s1]", "nn.Conv1d @c(%x) {in_channels=3, out_channels=2, kernel_size=[3], padding=[1]}"),
      "f32[s0, 2, s1]");
  EXPECT_EQ(type_of(x,
                    "nn.ConvTranspose2d @c(%x) {in_channels=4, out_channels=6, kernel_size=[3, 3], stride=[2, 2], "
                    "padding=[1, 1], output_padding=[1, 0], groups=2}"),
            "f32[2, 6, 30, 31]");
}

TEST(Shape, OfPooling) {
  const std::string x = "%x: f32[1, 4, 7, 8]";
  EXPECT_EQ(type_of(x, "nn.MaxPool2d @p(%x) {kernel_size=[3, 3], stride=[2, 2], padding=[1, 1]}"), "f32[1, 4, 4, 4]");
  EXPECT_EQ(type_of(x, "nn.MaxPool2d @p(%x) {kernel_size=[2, 2], stride=[2, 2], ceil_mode=true}"), "f32[1, 4, 4, 4]");
  // The last window may not start in the padding: ceil(4 / 3) + 1 windows would be 3.
  EXPECT_EQ(type_of("%x: f32[1, 4, 4, 4]", "nn.MaxPool2d @p(%x) {kernel_size=[1, 1], stride=[4, 4], ceil_mode=true}"),
            "f32[1, 4, 1, 1]");
  EXPECT_EQ(type_of(x, "nn.AvgPool2d @p(%x) {kernel_size=[7, 8], stride=[7, 8]}"), "f32[1, 4, 1, 1]");
  EXPECT_EQ(type_of(x, "nn.AdaptiveAvgPool2d @p(%x) {output_size=[3, 2]}"), "f32[1, 4, 3, 2]");
}

TEST(Shape, OfTheOthers) {
  EXPECT_EQ(type_of("%x: f32[2, s0, 8]", "nn.Linear @l(%x) {in_features=8, out_features=3}"), "f32[2, s0, 3]");
  EXPECT_EQ(type_of("%x: f32[2, 3, 4, 5]", "nn.Flatten @f(%x)"), "f32[2, 60]");
  EXPECT_EQ(type_of("%x: f32[2, 3, 4, 5]", "nn.Flatten @f(%x) {start_dim=-3, end_dim=2}"), "f32[2, 12, 5]");
  EXPECT_EQ(type_of("%x: f32[2, 3, s0]", "nn.Flatten @f(%x)"), "f32[2, 3*s0]");
  EXPECT_EQ(type_of("%x: f32[2, 4, 5]", "nn.BatchNorm1d @b(%x) {num_features=4}"), "f32[2, 4, 5]");
  EXPECT_EQ(type_of("%x: f32[2, 3], %z: f32[1, 3]", "FusedActAdd @f(%x, %z) [act=nn.ReLU @a]"), "f32[2, 3]");
}

TEST(Shape, OfOperators) {
  const std::string x = "%x: f32[2, 3, 4]";
  EXPECT_EQ(type_of(x, "aten.view.default(%x) {size=[6, -1]}"), "f32[6, 4]");
  EXPECT_EQ(type_of("%x: f32[s0, 3, 4]", "aten.reshape.default(%x) {shape=[-1, 12]}"), "f32[s0, 12]");
  EXPECT_EQ(type_of(x, "aten.permute.default(%x) {dims=[2, 0, -2]}"), "f32[4, 2, 3]");
  EXPECT_EQ(type_of(x, "aten.transpose.int(%x) {dim0=0, dim1=-1}"), "f32[4, 3, 2]");
  EXPECT_EQ(type_of(x, "aten.cat.default(%x, %x) {dim=1}"), "f32[2, 6, 4]");
  EXPECT_EQ(type_of(x, "aten.mean.dim(%x) {dim=[0, -1], keepdim=true}"), "f32[1, 3, 1]");
  EXPECT_EQ(type_of(x, "aten.mean.dim(%x) {dim=[1]}"), "f32[2, 4]");
  EXPECT_EQ(type_of(x, "aten.unsqueeze.default(%x) {dim=-1}"), "f32[2, 3, 4, 1]");
  EXPECT_EQ(type_of("%x: f32[2, 1]", "aten.squeeze.dim(%x) {dim=1}"), "f32[2]");
  EXPECT_EQ(type_of(x, "aten.squeeze.dim(%x) {dim=1}"), "f32[2, 3, 4]");
  EXPECT_EQ(type_of(x, "aten.to.dtype(%x) {dtype=f16}"), "f16[2, 3, 4]");
  EXPECT_EQ(type_of("%x: f32[2, 1], %z: f32[]", "aten.add.Tensor(%x, %z)"), "f32[2, 1]");
  EXPECT_EQ(type_of(x, "aten.no_such_operator.default(%x)"), "?");
}

TEST(Shape, OfAttentionsOperatorsAtRunTimeLengths) {
  const std::string x = "%x: f32[s0, 8, s1, 16]";
  EXPECT_EQ(type_of(x + ", %z: f32[8, 16, s1]", "aten.matmul.default(%x, %z)"), "f32[s0, 8, s1, s1]");
  EXPECT_EQ(type_of("%x: f32[s0, 4, 8], %z: f32[s0, 8, s1]", "aten.bmm.default(%x, %z)"), "f32[s0, 4, s1]");
  EXPECT_EQ(type_of("%x: f32[s0, s1, 24]", "aten.unflatten.int(%x) {dim=-1, sizes=[3, -1]}"), "f32[s0, s1, 3, 8]");
  EXPECT_EQ(type_of("%x: f32[2, 4*s0]", "aten.unflatten.int(%x) {dim=1, sizes=[-1, 4]}"), "f32[2, s0, 4]");
  EXPECT_EQ(type_of("%x: f32[2, s0]", "aten.unbind.int(%x)"), "(f32[s0], f32[s0])");
  EXPECT_EQ(type_of("%x: f32[2, s0]", "aten.unbind.int(%x) {dim=1}"), "?");
  EXPECT_EQ(type_of("%x: f32[s0, 1, 16]", "aten.expand.default(%x) {size=[-1, 8, -1]}"), "f32[s0, 8, 16]");
  EXPECT_EQ(type_of(x + ", %z: bool[s0, 1, 1, 16]", "aten.masked_fill.Scalar(%x, %z) {value=0}"), "f32[s0, 8, s1, 16]");
  EXPECT_EQ(type_of("%x: bool[s0, 1, s1], %z: bool[s1, 1]", "aten.logical_and.default(%x, %z)"), "bool[s0, s1, s1]");
  EXPECT_EQ(type_of(x, "aten.amax.default(%x) {dim=[-1], keepdim=true}"), "f32[s0, 8, s1, 1]");
  EXPECT_EQ(type_of(x, "aten.all.dim(%x) {dim=-2}"), "bool[s0, 8, 16]");
}

TEST(Shape, IsRefusedWhenTheInputsDoNotFit) {
  const std::string x = "%x: f32[2, 4, 8, 8]";
  const auto refusal = [&](const std::string& statement, const std::string& expected) {
    const std::string message = type_of(x, statement);
    EXPECT_NE(message.find(expected), std::string::npos) << statement << "\n" << message;
  };
  refusal("nn.Conv2d @c(%x) {in_channels=3, out_channels=8, kernel_size=[3, 3]}",
          "takes 3 channels, its input is f32[2, 4, 8, 8]");
  refusal("nn.Conv1d @c(%x) {in_channels=4, out_channels=8, kernel_size=[3]}", "takes a tensor of rank 3");
  refusal("nn.Conv2d @c(%x) {in_channels=4, out_channels=8, kernel_size=[9, 3]}",
          "a window of 9 does not fit into 8 and 0 of padding");
  refusal("nn.Conv2d @c(%x) {in_channels=4, out_channels=6, kernel_size=[3, 3], groups=4}",
          "4 groups do not divide 4 and 6 channels");
  refusal("nn.ConvTranspose2d @c(%x) {in_channels=4, out_channels=4, kernel_size=[1, 1], padding=[9, 9]}",
          "leaves nothing");
  refusal("nn.Linear @l(%x) {in_features=4, out_features=8}", "takes 4 features");
  refusal("nn.BatchNorm2d @b(%x) {num_features=8}", "batch norm over 8 channels");
  refusal("nn.Flatten @f(%x) {start_dim=3, end_dim=1}", "cannot flatten 3..1");
  refusal("nn.ReLU @r(%x, %x)", "takes 1 input, not 2");
  refusal("FusedActAdd @f(%x) [act=nn.ReLU @a]", "takes 2 inputs, not 1");
  refusal("FusedConvBNAct @f(%x) [act=nn.ReLU @a]", "needs the part conv");
  refusal("aten.view.default(%x) {size=[3, -1]}", "cannot view");
  refusal("aten.view.default(%x) {size=[-1, -1]}", "cannot view");
  refusal("aten.view.default(%x) {size=[-2, -256]}", "cannot view");
  refusal("aten.view.default(%x) {size=[0, -1]}", "cannot view");
  refusal("aten.permute.default(%x) {dims=[0, 1]}", "permutation does not fit");
  refusal("aten.transpose.int(%x) {dim0=0, dim1=4}", "axis 4 is outside");
  refusal("aten.mean.dim(%x) {dim=\"all\"}", "not a list of integers");
  refusal("aten.flatten.using_ints(%x) {start_dim=2, end_dim=1}", "cannot flatten 2..1");
}

/// Whatever is written as an attribute, the answer is a sentence: no crash, no endless loop.
TEST(Shape, AttributesOfAnotherFormAreRefused) {
  const std::string x = "%x: f32[2, 4, 8, 8]";
  const auto refusal = [&](const std::string& attrs, const std::string& expected) {
    const std::string message = type_of(x, "nn.Conv2d @c(%x) {out_channels=8, kernel_size=[3, 3], " + attrs + "}");
    EXPECT_NE(message.find(expected), std::string::npos) << attrs << "\n" << message;
  };
  refusal("groups=1", "needs the attribute in_channels");
  refusal("in_channels=none", "takes an integer of at least 1 as in_channels, not none");
  refusal("in_channels=4.0", "not 4.0");
  refusal("in_channels=0", "not 0");
  refusal("in_channels=4, groups=0", "not 0");
  refusal("in_channels=4, stride=[0, 0]", "takes 2 integers of at least 1 as stride, not [0, 0]");
  refusal("in_channels=4, stride=[1]", "not [1]");
  refusal("in_channels=4, stride=2", "not 2");
  refusal("in_channels=4, padding=[-1, 0]", "not [-1, 0]");
  refusal("in_channels=4, dilation=[4611686018427387904, 1]", "not [4611686018427387904, 1]");
  refusal("in_channels=4, groups=\"all\"", "not \"all\"");
  EXPECT_NE(
      type_of(x, "nn.MaxPool2d @p(%x) {kernel_size=[2, 2], stride=[2, 2], ceil_mode=1}").find("takes true or false"),
      std::string::npos);
  EXPECT_NE(type_of(x, "nn.LeakyReLU @p(%x) {negative_slope=\"a\"}").find("takes a number"), std::string::npos);
  EXPECT_EQ(type_of(x, "nn.LeakyReLU @p(%x) {negative_slope=1}"), "f32[2, 4, 8, 8]");
  EXPECT_NE(type_of(x, "nn.GELU @p(%x) {approximate=1}").find("takes text"), std::string::npos);
  EXPECT_NE(type_of(x, "FusedActAdd @p(%x, %x) {stubs=[-1]} [act=nn.ReLU @a]").find("takes integers of at least 0"),
            std::string::npos);
}

TEST(Shape, SizesBeyond64BitsAreRefused) {
  const std::string x = "%x: f32[4611686018427387904, 4]";
  EXPECT_NE(type_of(x, "nn.Flatten @f(%x) {start_dim=0}").find("beyond 64 bits"), std::string::npos);
}

}  // namespace
}  // namespace graftwork::core
