// Programs put together by hand, as an importer would make them of whatever it reads, become graphs.
#include "graftwork/import/captured/build_network.h"

#include <gtest/gtest.h>

#include <limits>

#include "graftwork/base/text.h"
#include "graftwork/import/captured/check_shapes.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/ir/verify.h"
#include "support/reader_testing.h"

namespace graftwork::core::captured {
namespace {

/// A contiguous tensor.
TensorMeta f32(const std::vector<Dim>& sizes) {
  TensorMeta meta{.dtype = {.known = DType::kF32, .other = {}}, .sizes = sizes, .strides = sizes};
  Dim stride(1);
  for (size_t i = sizes.size(); i-- > 0; stride = stride * sizes[i]) meta.strides[i] = stride;
  return meta;
}

Call call(Symbol op, std::vector<NamedArgument> inputs, const std::string& result) {
  return {.op = op,
          .inputs = std::move(inputs),
          .outputs = {tensor(result)},
          .name = result,
          .provenance = {.module = "block", .is_body = false, .source = "model.py:7"}};
}

Input user(const std::string& name) {
  return {.kind = Input::Kind::kUser, .arg = tensor(name), .name = {}, .stored = {}, .trainable = false};
}

Input stored(const std::string& name, const std::string& path, const std::string& leaf) {
  return {.kind = Input::Kind::kStored, .arg = tensor(name), .name = path, .stored = leaf, .trainable = false};
}

Output result(const std::string& name) {
  return {.kind = Output::Kind::kResult, .arg = tensor(name), .name = "output"};
}

std::string printed(const LoadedNetwork& loaded) {
  EXPECT_EQ(loaded.unsupported, std::vector<std::string>());
  verify(loaded.network.module);
  return print(loaded.network.module, ShowTypes::kAlways);
}

std::string graph_of(Program program, TensorStore tensors = {}) {
  return printed(build_network(std::move(program), std::move(tensors), 0));
}

void expect_refusal(std::string_view code, std::string_view words, const Program& program, const TensorStore& tensors) {
  graftwork::core::testing::expect_error(code, words, [&] { build_network(program, tensors, 0); });
}

/// y = -x; y[0] += row, in place, and y is the result.
Program writes_through_a_view() {
  return {.inputs = {user("x"), stored("p_row", "block.row", "block.row")},
          .calls = {call("aten.neg.default", {{"self", tensor("x")}}, "y"),
                    call("aten.select.int", {{"self", tensor("y")}, {"dim", {int64_t{0}}}, {"index", {int64_t{0}}}},
                         "first"),
                    call("aten.add_.Tensor", {{"self", tensor("first")}, {"other", tensor("p_row")}}, "added")},
          .tensors =
              {{"x", f32({2, 4})}, {"p_row", f32({4})}, {"y", f32({2, 4})}, {"first", f32({4})}, {"added", f32({4})}},
          .outputs = {result("y")}};
}

TensorStore with_row() {
  TensorStore tensors;
  tensors.set("block.row", at::ones({4}, at::kFloat));
  return tensors;
}

TEST(Captured, AWriteThroughAViewReachesItsSource) {
  const LoadedNetwork loaded = build_network(writes_through_a_view(), with_row(), 0);
  EXPECT_EQ(printed(loaded), R"(graph(%x: f32[2, 4]) {
  %y: f32[2, 4] = aten.neg.default(%x)
  %first: f32[4] = aten.select.int(%y) {dim=0, index=0}
  %block_row: f32[4] = constant @block.row: f32[4]
  %added: f32[4] = aten.add.Tensor(%first, %block_row)
  %added_part: f32[1, 4] = aten.unsqueeze.default(%added) {dim=0}
  %added_in_place_behind: f32[1, 4] = aten.slice.Tensor(%y) {dim=0, end=2, start=1}
  %added_in_place: f32[2, 4] = aten.cat.default(%added_part, %added_in_place_behind) {dim=0}
  return output=%added_in_place
}
)");
  for (const Node& node : loaded.network.module.graph().nodes()) {
    if (node.op() != Symbol("aten.add.Tensor")) continue;
    EXPECT_EQ(node.origin().module_path.str(), "block.added");
    EXPECT_EQ(node.origin().source.str(), "model.py:7");
  }
}

TEST(Captured, AWriteIsSeenByEveryViewOfWhatTiedNamesShare) {
  Program program = writes_through_a_view();
  program.inputs.push_back(stored("p_tied", "head.row", "block.row"));
  program.tensors.emplace("p_tied", f32({4}));
  program.calls = {call("aten.relu_.default", {{"self", tensor("p_row")}}, "positive"),
                   call("aten.add.Tensor", {{"self", tensor("x")}, {"other", tensor("p_tied")}}, "y")};
  expect_refusal("pt2.in_place", "the results depend on block.row, which every call changes", program, with_row());
}

TEST(Captured, SizesKnownAtRunTimeAreReadWhereAWriteNeedsThem) {
  const Dim rows = Dim::symbol("rows"), columns = Dim::symbol("columns");
  const Program program{
      .inputs = {user("x")},
      .calls = {call("aten.neg.default", {{"self", tensor("x")}}, "y"),
                call("aten.view.default", {{"self", tensor("y")}, {"size", {std::vector<int64_t>{-1}}}}, "flat"),
                call("aten.relu_.default", {{"self", tensor("flat")}}, "positive")},
      .tensors = {{"x", f32({rows, columns})},
                  {"y", f32({rows, columns})},
                  {"flat", f32({rows * columns})},
                  {"positive", f32({rows * columns})}},
      .outputs = {result("y")}};
  EXPECT_EQ(graph_of(program), R"(graph(%x: f32[rows, columns]) {
  %y: f32[rows, columns] = aten.neg.default(%x)
  %flat: f32[((columns)*(rows))] = aten.view.default(%y) {size=[-1]}
  %positive: f32[((columns)*(rows))] = aten.relu.default(%flat)
  %y_size_0: int = aten.sym_size.int(%y) {dim=0}
  %y_size_1: int = aten.sym_size.int(%y) {dim=1}
  %positive_in_place: f32[rows, columns] = aten.reshape.default(%positive, %y_size_0, %y_size_1) {shape=[$1, $2]}
  return output=%positive_in_place
}
)");
}

TEST(Captured, WhatMayBeAViewIsNotReadAfterAWriteWhereNoStridesAreKnown) {
  Program program = writes_through_a_view();
  program.calls[1] = call("aten.contiguous.default", {{"self", tensor("y")}}, "first");
  program.tensors["first"] = program.tensors["added"] = f32({2, 4});
  for (auto& [name, meta] : program.tensors) meta.strides.clear();
  expect_refusal("pt2.in_place", "what may be a view or a copy", program, with_row());
}

TEST(Captured, AWrapperIsPartOfTheProgramAroundIt) {
  const auto inside =
      std::make_shared<const SubGraph>(SubGraph{.inputs = {tensor("given")},
                                                .calls = {call("aten.neg.default", {{"self", tensor("given")}}, "y")},
                                                .tensors = {{"given", f32({4})}, {"y", f32({4})}},
                                                .outputs = {tensor("y")}});
  const Program program{.inputs = {user("x")},
                        .calls = {call("aten.relu.default", {{"self", tensor("x")}}, "y"),
                                  call("higher_order.wrap_with_set_grad_enabled",
                                       {{"", {false}}, {"", {inside}}, {"", tensor("y")}}, "wrapped")},
                        .tensors = {{"x", f32({4})}, {"y", f32({4})}, {"wrapped", f32({4})}},
                        .outputs = {result("wrapped")}};
  EXPECT_EQ(graph_of(program), R"(graph(%x: f32[4]) {
  %y: f32[4] = aten.relu.default(%x)
  %y_1: f32[4] = aten.neg.default(%y)
  return output=%y_1
}
)");
}

TEST(Captured, ContradictionsAreRefused) {
  Program unknown = writes_through_a_view();
  unknown.calls[2].inputs[1].arg = tensor("nobody");
  expect_refusal("pt2.graph", "%nobody is read and never made", unknown, with_row());
  Program nameless = writes_through_a_view();
  nameless.inputs[1].arg = {int64_t{1}};
  expect_refusal("pt2.graph", "block.row names no tensor", nameless, with_row());
}

// ---- composites --------------------------------------------------------------------------------------

TEST(Captured, ACompositeIsThePartsThatItIsMadeOf) {
  const Program program{
      .inputs = {user("x"), user("y")},
      .calls = {call("aten.einsum.default",
                     {{"equation", {std::string("ij,jk->ki")}}, {"tensors", {std::vector<TensorName>{{"x"}, {"y"}}}}},
                     "z")},
      .tensors = {{"x", f32({2, 3})}, {"y", f32({3, 4})}, {"z", f32({4, 2})}},
      .outputs = {result("z")}};
  const std::string graph = graph_of(program);
  EXPECT_EQ(graph.find("einsum.default"), std::string::npos) << graph;
  EXPECT_NE(graph.find("%z: f32[4, 2] ="), std::string::npos) << graph;
  EXPECT_NE(graph.find("aten.bmm.default"), std::string::npos) << graph;
}

TEST(Captured, APartThatIsAnOperandIsNoOperator) {
  const Program program{.inputs = {user("x"), user("y")},
                        .calls = {call("aten.type_as.default", {{"self", tensor("x")}, {"other", tensor("y")}}, "same"),
                                  call("aten.neg.default", {{"self", tensor("same")}}, "z")},
                        .tensors = {{"x", f32({2})}, {"y", f32({3})}, {"same", f32({2})}, {"z", f32({2})}},
                        .outputs = {result("z")}};
  EXPECT_EQ(graph_of(program), R"(graph(%x: f32[2], %y: f32[3]) {
  %z: f32[2] = aten.neg.default(%x)
  return output=%z
}
)");
}

TEST(Captured, SizesKnownAtRunTimeStayThatInTheParts) {
  const Dim rows = Dim::symbol("rows");
  const Program program{.inputs = {user("x"), user("y")},
                        .calls = {call("aten.expand_as.default", {{"self", tensor("x")}, {"other", tensor("y")}}, "z")},
                        .tensors = {{"x", f32({1, 4})}, {"y", f32({rows, 4})}, {"z", f32({rows, 4})}},
                        .outputs = {result("z")}};
  EXPECT_EQ(graph_of(program), R"(graph(%x: f32[1, 4], %y: f32[rows, 4]) {
  %y_size_0: int = aten.sym_size.int(%y) {dim=0}
  %z: f32[rows, 4] = aten.expand.default(%x, %y_size_0) {size=[$1, 4]}
  return output=%z
}
)");
}

TEST(Captured, ABillionPartsAreNotMadeOfACallThatNamesTwo) {
  Call split =
      call("aten.tensor_split.sections", {{"self", tensor("x")}, {"sections", {int64_t{1'000'000'000}}}}, "part");
  split.outputs = {{std::vector<TensorName>{{"a"}, {"b"}}}};
  const Program program{.inputs = {user("x")},
                        .calls = {split},
                        .tensors = {{"x", f32({4})}, {"a", f32({2})}, {"b", f32({2})}},
                        .outputs = {result("a")}};
  const std::string graph = printed(build_network(program, {}, 0));
  EXPECT_NE(graph.find("aten.tensor_split.sections(%x)"), std::string::npos) << graph;
}

TEST(Captured, SizesOfZeroAndBeyondAllMeasureAreNotDividedBy) {
  const auto stays = [](const Call& one, const std::vector<Dim>& sizes) {
    const Program program{.inputs = {user("x")},
                          .calls = {one},
                          .tensors = {{"x", f32(sizes)}, {"y", f32(sizes)}},
                          .outputs = {result("y")}};
    const std::string graph = printed(build_network(program, {}, 0));
    EXPECT_NE(graph.find("%y: "), std::string::npos) << graph;
    EXPECT_NE(graph.find(one.op.str() + "(%x"), std::string::npos) << graph;
  };
  const NamedArgument x{"self", tensor("x")};
  stays(call("aten.pixel_unshuffle.default", {x, {"downscale_factor", {int64_t{0}}}}, "y"), {1, 4, 8, 8});
  stays(call("aten.channel_shuffle.default", {x, {"groups", {int64_t{0}}}}, "y"), {1, 4, 8, 8});
  for (const int64_t size : {int64_t{0}, int64_t{1} << 40})
    stays(call("aten.adaptive_avg_pool2d.default", {x, {"output_size", {std::vector<int64_t>{size, size}}}}, "y"),
          {1, 4, 8, 8});
}

// ---- types -------------------------------------------------------------------------------------------

TEST(Captured, PromotionIsSaid) {
  Program program{.inputs = {user("x"), user("n")},
                  .calls = {call("aten.mul.Tensor", {{"self", tensor("x")}, {"other", tensor("n")}}, "y")},
                  .tensors = {{"x", f32({2})}, {"n", f32({2})}, {"y", f32({2})}},
                  .outputs = {result("y")}};
  program.tensors.at("n").dtype.known = DType::kI64;
  EXPECT_EQ(graph_of(program), R"(graph(%x: f32[2], %n: i64[2]) {
  %n_f32: f32[2] = aten.to.dtype(%n) {dtype=f32}
  %y: f32[2] = aten.mul.Tensor(%x, %n_f32)
  return output=%y
}
)");
}

TEST(Captured, TruthValuesAreAddedAsWholeNumbers) {
  Program program{.inputs = {user("a"), user("b")},
                  .calls = {call("aten.add.Tensor", {{"self", tensor("a")}, {"other", tensor("b")}}, "y")},
                  .tensors = {{"a", f32({2})}, {"b", f32({2})}, {"y", f32({2})}},
                  .outputs = {result("y")}};
  for (auto& [name, meta] : program.tensors) meta.dtype.known = DType::kBool;
  EXPECT_EQ(graph_of(program), R"(graph(%a: bool[2], %b: bool[2]) {
  %a_i32: i32[2] = aten.to.dtype(%a) {dtype=i32}
  %b_i32: i32[2] = aten.to.dtype(%b) {dtype=i32}
  %y_number: i32[2] = aten.add.Tensor(%a_i32, %b_i32)
  %y: bool[2] = aten.to.dtype(%y_number) {dtype=bool}
  return output=%y
}
)");
}

// ---- constants ---------------------------------------------------------------------------------------

/// y = x + op(weight), where training changes the weight.
Program on_parameter(const Call& computed) {
  Program program{.inputs = {user("x"), stored("p", "block.weight", "block.weight")},
                  .calls = {computed, call("aten.add.Tensor", {{"self", tensor("x")}, {"other", tensor("w")}}, "y")},
                  .tensors = {{"x", f32({4})}, {"p", f32({4})}, {"w", f32({4})}, {"y", f32({4})}},
                  .outputs = {result("y")}};
  program.inputs[1].trainable = true;
  return program;
}

TensorStore with_weight() {
  TensorStore tensors;
  tensors.set("block.weight", at::arange(4, at::kFloat));
  return tensors;
}

TEST(Captured, WhatIsComputedFromParametersIsAParameter) {
  const LoadedNetwork loaded =
      build_network(on_parameter(call("aten.exp.default", {{"self", tensor("p")}}, "w")), with_weight(), 0);
  EXPECT_EQ(printed(loaded), R"(graph(%x: f32[4]) {
  %block_weight: f32[4] = constant aten.exp.default(@block.weight: f32[4]): f32[4]
  %y: f32[4] = aten.add.Tensor(%x, %block_weight)
  return output=%y
}
)");
  for (const Node& node : loaded.network.module.graph().nodes()) {
    if (node.kind() != NodeKind::kConstant) continue;
    EXPECT_TRUE(at::equal(evaluate(node.constant(), loaded.network.tensors), at::arange(4, at::kFloat).exp()));
  }
}

TEST(Captured, GradientsReachWhatAParameterIsComputedFrom) {
  const LoadedNetwork loaded =
      build_network(on_parameter(call("aten.exp.default", {{"self", tensor("p")}}, "w")), with_weight(), 0);
  TensorStore tensors = loaded.network.tensors;
  const at::Tensor leaf = at::arange(4, at::kFloat).requires_grad_();
  tensors.set("block.weight", leaf);
  for (const Node& node : loaded.network.module.graph().nodes()) {
    if (node.kind() == NodeKind::kConstant) evaluate(node.constant(), tensors).sum().backward();
  }
  EXPECT_TRUE(at::allclose(leaf.grad(), leaf.detach().exp()));
}

TEST(Captured, DropoutOfAParameterGivesItWhereNothingIsDropped) {
  const auto built = [](bool train) {
    const std::vector<NamedArgument> arguments{{"input", tensor("p")}, {"p", {0.5}}, {"train", {train}}};
    return build_network(on_parameter(call("aten.dropout.default", arguments, "w")), with_weight(), 0);
  };
  EXPECT_EQ(printed(built(false)), R"(graph(%x: f32[4]) {
  %block_weight: f32[4] = constant @block.weight: f32[4]
  %y: f32[4] = aten.add.Tensor(%x, %block_weight)
  return output=%y
}
)");
  const std::string dropped = print(built(true).network.module, ShowTypes::kAlways);
  EXPECT_NE(dropped.find("%w: f32[4] = aten.dropout.default(%block_weight)"), std::string::npos) << dropped;
}

TEST(Captured, WhatIsNotOnTheListStaysInTheGraph) {
  for (const char* op : {"aten.lgamma.default", "aten.erfinv.default"}) {
    const LoadedNetwork loaded = build_network(on_parameter(call(op, {{"self", tensor("p")}}, "w")), with_weight(), 0);
    const std::string graph = print(loaded.network.module, ShowTypes::kAlways);
    EXPECT_NE(graph.find(cat("%w: f32[4] = ", op)), std::string::npos) << graph;
    EXPECT_EQ(loaded.unsupported.size(), 1U) << op;
  }
}

TEST(Captured, WholeNumbersAreNotDividedByMinusOneWhileAFileIsOpened) {
  Program program =
      on_parameter(call("aten.floor_divide.default", {{"self", tensor("p")}, {"other", tensor("q")}}, "w"));
  program.inputs.push_back(stored("q", "block.divisor", "block.divisor"));
  program.tensors["q"] = f32({4});
  for (const char* name : {"p", "q", "w"}) program.tensors.at(name).dtype.known = DType::kI64;
  TensorStore tensors;
  tensors.set("block.weight", at::full({4}, std::numeric_limits<int64_t>::min(), at::kLong));
  tensors.set("block.divisor", at::full({4}, -1, at::kLong));
  program.inputs[1].trainable = false;
  const std::string graph = graph_of(program, tensors);
  EXPECT_EQ(graph.find("@folded.w:"), std::string::npos) << graph;
}

/// y = op(x) of an x of these sizes; y is said to have others.
Program of_one(Symbol op, std::vector<NamedArgument> inputs, const std::vector<Dim>& x, const std::vector<Dim>& y) {
  return {.inputs = {user("x")},
          .calls = {call(op, std::move(inputs), "y")},
          .tensors = {{"x", f32(x)}, {"y", f32(y)}},
          .outputs = {result("y")}};
}

Network network_of(Program program) { return build_network(std::move(program), {}, 0).network; }

void expect_contradiction(const std::string& words, Program program) {
  const Network network = network_of(std::move(program));
  graftwork::core::testing::expect_error("pt2.graph", words, [&] { check_shapes(network.module); });
}

TEST(Captured, ShapesOfValuesAreNotBelieved) {
  const std::vector<NamedArgument> x{{"self", tensor("x")}};
  const Dim n = Dim::symbol("n");
  const std::vector<NamedArgument> last{{"self", tensor("x")}, {"dim", {int64_t{2}}}, {"half_to_float", {false}}};
  expect_contradiction("it is said to give f32[2], and gives a tensor of rank 2",
                       of_one("aten.relu.default", x, {2, 3}, {2}));
  expect_contradiction("it is said to give f32[n], and gives a tensor of rank 2",
                       of_one("aten.relu.default", x, {n, 3}, {n}));
  expect_contradiction("it is said to give f32[2, 4], and gives [2, 3]",
                       of_one("aten.relu.default", x, {2, 3}, {2, 4}));
  expect_contradiction("it is said to be f32[2, -3], and no size is below 0",
                       of_one("aten.relu.default", x, {2, 3}, {2, -3}));
  expect_contradiction("Dimension out of range", of_one("aten._softmax.default", last, {2, 3}, {2, 3}));
  const std::vector<NamedArgument> twice{{"self", tensor("x")}, {"repeats", {std::vector<int64_t>{1, 2}}}};
  expect_contradiction("it is said to give f32[n, 4], and gives [?, 6]",
                       of_one("aten.repeat.default", twice, {n, 3}, {n, 4}));
  const std::vector<NamedArgument> tall{{"self", tensor("x")}, {"output_size", {std::vector<int64_t>{1 << 20, 1}}}};
  expect_contradiction("it is said to give f32[n, 3, 1, 1], and gives [?, 3, 1048576, 1]",
                       of_one("aten.adaptive_avg_pool2d.default", tall, {n, 3, 8, 8}, {n, 3, 1, 1}));
  check_shapes(network_of(of_one("aten.relu.default", x, {n, 3}, {n, 3})).module);
}

TEST(Captured, ASizeKnownAtRunTimeIsNotHeldAgainstAnother) {
  const std::vector<NamedArgument> to_rows{{"self", tensor("x")}, {"size", {std::vector<int64_t>{-1, 2, 3}}}};
  // Whether it is a multiple of 6 is for whoever runs it.
  check_shapes(
      network_of(of_one("aten.view.default", to_rows, {Dim::symbol("n"), 3}, {Dim::symbol("m"), 2, 3})).module);
}

TEST(Captured, WhatAnOperatorNeedsIsThere) {
  const std::vector<NamedArgument> one{{"self", tensor("x")}};
  expect_refusal("pt2.graph", "its argument mat2 is missing", of_one("aten.mm.default", one, {2, 2}, {2, 2}), {});
}

}  // namespace
}  // namespace graftwork::core::captured
