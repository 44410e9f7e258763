// Lowering without quantization: which kinds can be written, what is refused, names, shapes, types.
#include <set>

#include "graftwork/export/operator_lowering.h"
#include "graftwork/nn/runnable_operators.h"
#include "graftwork/onnx/write.h"
#include "graftwork/patterns/transform.h"
#include "support/networks.h"
#include "unit/export/onnx_view.h"

namespace graftwork::core::testing {
namespace {

OnnxView lowered(std::string_view text, DType type = DType::kF32) {
  return OnnxView(lower(network_of(text), options_of(type)));
}

TEST(Kinds, CanAllBeLowered) {
  const std::set<std::string> elsewhere{"WeightFakeQuantize"};  // by the fused module that owns the weight
  for (const auto& shared : KindTable::torch()->all()) {
    const Kind& kind = *shared;
    if (kind.family == Family::kOperator) continue;
    EXPECT_NE(has_lowering(kind.name), elsewhere.contains(kind.name.str())) << kind.name.str();
  }
  EXPECT_FALSE(has_lowering("nn.Nothing"));
}

TEST(Kinds, OperatorsWithoutALoweringBecomeModules) {
  for (const auto& shared : KindTable::torch()->all()) {
    const Kind& kind = *shared;
    if (kind.family != Family::kOperator || find_operator_lowering(kind.name)) continue;
    GraphModule module = parse_network(cat("graph(%x: f32[2, 3]) {\n  %y: f32[2, 3] = ", kind.name.str(), "(%x)",
                                           kind.name == Symbol("aten.dropout.default") ? " {p=0.5, train=false}" : "",
                                           "\n  return %y\n}\n"));
    module = transform(module).model;
    EXPECT_NO_THROW(check_exportable(module, {})) << kind.name.str();
  }
}

TEST(Kinds, WhatHasAFormMayRun) {
  EXPECT_GT(lowered_operators().size(), 200U);
  for (const Symbol op : lowered_operators()) {
    const bool is_arithmetic = op.str().starts_with("sym.");  // on sizes
    EXPECT_NE(may_run(op), is_arithmetic) << op.str();
  }
}

TEST(Lower, ListsEverythingThatHasNoForm) {
  const Network network = network_of(
      "graph(%x: f32[2, 3]) {\n  %a: f32[2, 3] = mine.first.default(%x)\n  %b = aten.exp.default(%a)\n"
      "  %c: f32[2, 3] = aten.special_bessel_j0.default(%b)\n"
      "  %n: int = aten.sym_size.int(%c) {dim=0}\n  %d = aten.view.default(%c, %n) {size=[$1, 3]}\n  return %d\n}\n");
  const Error error = export_error(network, options_of(DType::kF32));
  EXPECT_EQ(error.code(), "export.unsupported");
  EXPECT_EQ(error.message(), "2 operators of the network have no ONNX form");
  EXPECT_EQ(error.context(),
            (std::vector<std::string>{"%a = mine.first.default", "%c = aten.special_bessel_j0.default"}));
  EXPECT_THROW(check_exportable(network.module, {}), Error);
}

TEST(Lower, TakesTheOpsetThatTheGraphNeedsOrAHigherOne) {
  const Network plain = network_of("graph(%x: f32[2]) {\n  %y = nn.ReLU @a(%x)\n  return %y\n}\n");
  const Network gelu = network_of("graph(%x: f32[2]) {\n  %y = nn.GELU @a(%x)\n  return %y\n}\n");
  const auto opset = [](const Network& network, int64_t wanted) {
    return lower(network, options_of(DType::kF32, WeightForm::kInt8, wanted)).opset;
  };
  EXPECT_EQ(opset(plain, 0), 19);
  EXPECT_EQ(opset(plain, 23), 23);
  EXPECT_EQ(opset(plain, 25), 25);
  EXPECT_EQ(opset(gelu, 0), 20);
  EXPECT_EQ(export_error(gelu, options_of(DType::kF32, WeightForm::kInt8, 19)).code(), "export.opset");
  for (const int64_t wrong : {-1, 1, 18, 26}) {
    const ExportOptions options = options_of(DType::kF32, WeightForm::kInt8, wrong);
    EXPECT_EQ(export_error(plain, options).code(), "export.opset") << wrong;
    EXPECT_THROW(check_exportable(plain.module, options), Error) << "to be asked first; " << wrong;
  }
}

TEST(Lower, NamesTheConstantThatDoesNotFitFp16) {
  Network network = network_of(
      "graph(%x: f32[2, 3]) {\n  %y = nn.Linear @head.fc(%x) {in_features=3, out_features=4}\n  return %y\n}\n");
  network.tensors.set("head.fc.bias", at::full({4}, -70000.0F));
  const Error error = export_error(network, options_of(DType::kF16));
  EXPECT_EQ(error.code(), "export.fp16");
  EXPECT_NE(error.message().find("head.fc.bias reaches 70000"), std::string::npos) << error.message();
  EXPECT_EQ(error.context().at(0), "%y = nn.Linear");
  EXPECT_NO_THROW(lower(network, options_of(DType::kF32)));
  network.tensors.set("head.fc.bias", at::full({4}, -std::numeric_limits<float>::infinity()));
  EXPECT_NO_THROW(lower(network, options_of(DType::kF16))) << "a mask may hold -inf";
}

TEST(Lower, CastsAtTheEdgesOfAnFp16Region) {
  const OnnxView view = lowered(
      "graph(%x: f32[2, 3], %i: i64[2]) {\n  %y = nn.Linear @l(%x) {in_features=3, out_features=2}\n  return %y, "
      "%i\n}\n",
      DType::kF16);
  EXPECT_EQ(view.text(),
            "Cast x_cast(x) -> x_cast\nGemm l(x_cast, l.weight, l.bias) -> y\nCast output_0_cast(y) -> "
            "output_0\nIdentity output_1_copy(i) -> output_1\n");
  EXPECT_EQ(view.model().graph.inputs[0].type, DType::kF32);
  EXPECT_EQ(view.model().graph.outputs[0].type, DType::kF32);
  EXPECT_EQ(view.stored("l.weight").type, DType::kF16);
}

TEST(Lower, CastsAroundWhatStaysInFp32) {
  Network network = network_of(
      "graph(%x: f32[2, 3]) {\n  %a = aten.neg.default(%x)\n  %b = aten.mul.Tensor(%a) {other=1e6}\n"
      "  %c = aten.div.Tensor(%b) {other=1e5}\n  %y = aten.exp.default(%c)\n  %z = aten.neg.default(%c)\n"
      "  return y=%y, z=%z, b=%b\n}\n");
  network.wide = {{"b", "large"}, {"c", "large"}};
  const OnnxView view(lower(network, options_of(DType::kF16)));
  EXPECT_EQ(view.text(),
            "Cast x_cast(x) -> x_cast\nNeg a(x_cast) -> a\nCast a_f32(a) -> a_f32\nMul b(a_f32, b_other) -> b\n"
            "Div c(b, c_other) -> c\nCast c_f16(c) -> c_f16\nExp y(c_f16) -> y_1\nNeg z(c_f16) -> z_1\n"
            "Cast y_cast(y_1) -> y\nCast z_cast(z_1) -> z\n");
  EXPECT_EQ(view.stored("b_other").type, DType::kF32);
  network.wide = {{"a", "large"}, {"b", "large"}, {"c", "large"}};
  EXPECT_EQ(OnnxView(lower(network, options_of(DType::kF16))).producer("a").inputs.at(0), "x")
      << "an input is there in its own type";
}

TEST(Lower, GivesMasksTheEndOfFp16) {
  Network network = network_of(
      "graph(%s: f32[2, 4], %m: f32[2, 4]) {\n  %f = aten.mul.Tensor(%m) {other=-3.4e38}\n"
      "  %t = aten.add.Tensor(%s, %f)\n  %y = aten.softmax.int(%t) {dim=-1}\n  return %y\n}\n");
  const OnnxView view(lower(network, options_of(DType::kF16)));
  EXPECT_EQ(view.tensor("f_other").item<float>(), -65504);
  EXPECT_EQ(view.only("Softmax").inputs.at(0), view.only("Where").outputs.at(0)) << view.text();
  EXPECT_EQ(OnnxView(lower(network, options_of(DType::kF32))).all("Where").size(), 0U);
}

TEST(Lower, GivesResultsTheTypeThatTheNetworkGives) {
  const OnnxView view = lowered(
      "graph(%x: f32[2, 3]) {\n  %y = aten.to.dtype(%x) {dtype=f64}\n  %z = aten.neg.default(%y)\n  return z=%z\n}\n");
  EXPECT_EQ(view.model().graph.outputs[0].type, DType::kF64);
  EXPECT_EQ(view.producer("z").op_type, "Cast") << view.text();
}

TEST(Lower, KeepsTheNamesOfResults) {
  const auto names = [](const std::string& returned, DType type = DType::kF32) {
    const OnnxView view = lowered(cat("graph(%x: f32[2], %z: f32[2]) {\n  %k = constant @k: f32[2]\n  %y = nn.ReLU "
                                      "@a(%x)\n  %w = nn.Sigmoid @b(%y)\n  return ",
                                      returned, "\n}\n"),
                                  type);
    return view.outputs();
  };
  for (const DType type : {DType::kF32, DType::kF16}) {
    EXPECT_EQ(names("first=%y, second=%w", type), "first, second");
    EXPECT_EQ(names("a=%x, b=%w", type), "a, b");           // an input as it came
    EXPECT_EQ(names("x=%x, w=%w", type), "x, w");           // under its own name
    EXPECT_EQ(names("a=%w, b=%w, c=%y", type), "a, b, c");  // one value twice
    EXPECT_EQ(names("k=%k, y=%w, w=%y", type), "k, y, w");  // a constant; the names of other values
    EXPECT_EQ(names("x=%w, z=%x", type), "x_1, z_1");       // the names of other inputs cannot be had
    EXPECT_EQ(names("a=%w, a=%y", type), "a, a_1");
    EXPECT_EQ(names("%w", type), "output");
    EXPECT_EQ(names("%w, %y", type), "output_0, output_1");
  }
}

TEST(Lower, ReturnsAnInputWithoutAWayThroughFp16) {
  const OnnxView view = lowered("graph(%x: f32[2]) {\n  %y = nn.ReLU @a(%x)\n  return same=%x, y=%y\n}\n", DType::kF16);
  EXPECT_EQ(view.producer("same").op_type, "Identity");
  EXPECT_EQ(view.producer("same").inputs, std::vector<std::string>{"x"});
}

TEST(Lower, WritesReshapesWithOneOpenExtent) {
  const auto shape_of = [](const std::string& text) {
    const OnnxView view = lowered(text);
    const at::Tensor shape = view.tensor(view.only("Reshape").inputs.at(1));
    return std::vector<int64_t>(shape.data_ptr<int64_t>(), shape.data_ptr<int64_t>() + shape.numel());
  };
  EXPECT_EQ(
      shape_of(
          "graph(%x: f32[s0, 4, 6]) {\n  %y: f32[s0, 24] = aten.view.default(%x) {size=[-1, 24]}\n  return %y\n}\n"),
      (std::vector<int64_t>{0, 24}));
  EXPECT_EQ(
      shape_of(
          "graph(%x: f32[s0, 4, 6]) {\n  %y: f32[4*s0, 6] = aten.view.default(%x) {size=[-1, 6]}\n  return %y\n}\n"),
      (std::vector<int64_t>{-1, 6}));
  EXPECT_EQ(shape_of("graph(%x: f32[s0, 4, s1]) {\n  %y: f32[s0, 4*s1] = aten.flatten.using_ints(%x) {start_dim=1}\n  "
                     "return %y\n}\n"),
            (std::vector<int64_t>{0, -1}));
  const Network two = network_of(
      "graph(%x: f32[s0, s1]) {\n  %y: f32[2*s0, 3, s2] = mine.x.default(%x)\n  %z: f32[3*s0, 2*s2] = "
      "aten.view.default(%y) {size=[-1, 6]}\n  return %z\n}\n");
  EXPECT_EQ(export_error(two, options_of(DType::kF32)).code(), "export.unsupported");
  const Network open = network_of(
      "graph(%x: f32[s0, s1]) {\n  %z: f32[3*s0, s2] = aten.reshape.default(%x) {shape=[-1, 6]}\n  return %z\n}\n");
  EXPECT_EQ(export_error(open, options_of(DType::kF32)).code(), "export.shape");
}

TEST(Lower, ComputesExtentsFromOthersOfTheirBase) {
  const OnnxView view =
      lowered("graph(%x: f32[2*s0+1, s1]) {\n  %z: f32[s0, 3*s1-1] = aten.new_zeros.default(%x)\n  return %z\n}\n");
  std::vector<std::string> kinds;
  for (const onnx::Node& node : view.model().graph.nodes) kinds.push_back(node.op_type);
  EXPECT_EQ(kinds, (std::vector<std::string>{"Shape", "Sub", "Div", "Shape", "Mul", "Add", "Concat", "Expand"}));
}

TEST(Lower, WritesTuplesWithTheirUnusedParts) {
  const OnnxView view = lowered(
      "graph(%x: f32[2, 6]) {\n  %t: (f32[2, 2], f32[2, 2], f32[2, 2]) = aten.chunk.default(%x) {chunks=3, dim=-1}\n"
      "  %a = get_item(%t) {index=2}\n  %b = get_item(%t) {index=0}\n  return last=%a, first=%b\n}\n");
  EXPECT_EQ(view.only("Split").outputs, (std::vector<std::string>{"first", "t_unused", "last"}));
  EXPECT_TRUE(at::equal(view.tensor(view.only("Split").inputs.at(1)), at::tensor({2, 2, 2}, at::kLong)));
  EXPECT_EQ(view.integers(view.only("Split"), "axis"), std::vector<int64_t>{1});
}

TEST(Lower, WritesANumberWherePyTorchHasOne) {
  const OnnxView view = lowered(
      "graph(%x: f32[2], %i: i64[2]) {\n  %y = aten.add.Tensor(%x) {other=2, alpha=3}\n  %j = aten.mul.Tensor(%i) "
      "{other=2}\n  return y=%y, j=%j\n}\n",
      DType::kF16);
  EXPECT_EQ(view.stored(view.only("Add").inputs.at(1) == "y_scaled" ? "y_other" : "none").type, DType::kF16)
      << view.text();
  EXPECT_EQ(view.stored(view.producer("j").inputs.at(1)).type, DType::kI64);
}

TEST(Lower, FoldsEpsilonAndSlopesThatAreWholeNumbers) {
  const OnnxView view = lowered(
      "graph(%x: f32[2, 3, 4, 4]) {\n  %b = nn.BatchNorm2d @b(%x) {num_features=3, eps=1}\n  %y = nn.ELU @e(%b) "
      "{alpha=2}\n  return %y\n}\n");
  EXPECT_EQ(std::get<double>(view.only("Elu").attributes.at(0).second), 2);
  EXPECT_EQ(view.only("BatchNormalization").inputs.size(), 5U);
}

TEST(Lower, GivesTheSameBytesEveryTime) {
  const Network network = network_of(
      "graph(%x: f32[2, 3, 4, 4]) {\n  %c = nn.Conv2d @c(%x) {in_channels=3, out_channels=4, kernel_size=[3, 3]}\n"
      "  %d = nn.Conv2d @c(%x)\n  %y = aten.add.Tensor(%c, %d)\n  return %y\n}\n");
  const std::string bytes = onnx::serialize_model(lower(network, options_of(DType::kF16)));
  EXPECT_EQ(onnx::serialize_model(lower(network, options_of(DType::kF16))), bytes);
  const OnnxView view(lower(network, options_of(DType::kF16)));
  EXPECT_EQ(view.model().graph.initializers.size(), 2U) << "a module that is called twice is stored once";
}

}  // namespace
}  // namespace graftwork::core::testing
