// Programs put together by hand, as an importer would make them of whatever it reads, become graphs.
#include "graftwork/import/captured/build_network.h"

#include <gtest/gtest.h>

#include "graftwork/ir/text/print.h"
#include "graftwork/ir/verify.h"
#include "support/reader_testing.h"

namespace graftwork::captured {
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
  graftwork::testing::expect_error(code, words, [&] { build_network(program, tensors, 0); });
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

}  // namespace
}  // namespace graftwork::captured
