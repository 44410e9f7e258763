// A graft is carried out whole or not at all.
#include "graftwork/rewrite/graft.h"

#include <gtest/gtest.h>

#include "graftwork/base/error.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/ir/verify.h"
#include "support/networks.h"

namespace graftwork {
namespace {

constexpr const char* kNetwork =
    "graph(%x: f32[2, 4], %z: f32[2, 4]) {\n"
    "  %a = nn.ReLU @a(%x)\n"
    "  %b = nn.Tanh @b(%a)\n"
    "  %c = aten.add.Tensor(%b, %z)\n"
    "  return %c\n"
    "}\n";

class GraftTest : public ::testing::Test {
 protected:
  Node& at(Symbol name) {
    for (Node& node : module.graph().nodes()) {
      if (node.name() == name) return node;
    }
    throw std::runtime_error("no node " + name.str());
  }
  static ModuleRecord record(Symbol path, Symbol kind) {
    ModuleRecord result;
    result.path = path;
    result.kind = kind;
    return result;
  }
  void commit(Graft& graft) {
    ASSERT_TRUE(graft.check()) << graft.check().reason();
    graft.commit([](Node&) {});
    verify(module);
  }
  std::string result() const { return print(module); }

  GraphModule module = testing::parse_network(kNetwork);
};

TEST_F(GraftTest, WhatIsNotCommittedLeavesNoTrace) {
  const size_t records = module.modules().size();
  {
    Graft graft(module);
    Node& silu = graft.call_module(graft.add_record(record("new", "nn.SiLU")), {&at("a")});
    Node& sum = graft.call_function("aten.mul.Tensor", {&silu, &at("a")}, {});
    EXPECT_TRUE(graft.replace(at("b"), sum));
  }
  EXPECT_EQ(result(), kNetwork);
  EXPECT_EQ(module.modules().size(), records);
  EXPECT_EQ(module.modules().find("new"), ModuleId{});
  EXPECT_EQ(at("a").use_count(), 1u);
  verify(module);
}

TEST_F(GraftTest, ReplacesAndErasesWhatOnlyTheOldNodeNeeded) {
  Graft graft(module);
  ASSERT_TRUE(graft.replace(at("b"), graft.call_module(graft.add_record(record("new", "nn.SiLU")), {&at("x")})));
  commit(graft);
  EXPECT_EQ(result(),
            "graph(%x: f32[2, 4], %z: f32[2, 4]) {\n"
            "  %b = nn.SiLU @new(%x)\n"
            "  %c = aten.add.Tensor(%b, %z)\n"
            "  return %c\n"
            "}\n");
}

TEST_F(GraftTest, ReplacesByAValueThatIsThere) {
  Graft graft(module);
  ASSERT_TRUE(graft.replace(at("b"), at("x")));
  commit(graft);
  EXPECT_EQ(result(), "graph(%x: f32[2, 4], %z: f32[2, 4]) {\n  %c = aten.add.Tensor(%x, %z)\n  return %c\n}\n");
}

TEST_F(GraftTest, AValueThatIsReadyTooLateDeclines) {
  Graft graft(module);
  ASSERT_TRUE(graft.replace(at("a"), at("c")));
  EXPECT_FALSE(graft.check());
  EXPECT_EQ(graft.check().reason(), "%c would be needed before it is ready");
}

TEST_F(GraftTest, ANewNodeThatReadsWhatItReplacesDeclines) {
  Graft graft(module);
  ASSERT_TRUE(graft.replace(at("b"), graft.call_module(graft.add_record(record("new", "nn.SiLU")), {&at("b")})));
  EXPECT_EQ(graft.check().reason(), "the new node would be needed before %b is ready");
}

TEST_F(GraftTest, AnotherTypeDeclines) {
  Graft graft(module);
  const Outcome outcome =
      graft.replace(at("b"), graft.call_function("aten.transpose.int", {&at("a")}, {{"dim0", 0}, {"dim1", 1}}));
  EXPECT_FALSE(outcome);
  EXPECT_EQ(outcome.reason(), "the result would be f32[4, 2] instead of f32[2, 4]");
}

TEST_F(GraftTest, ANodeWhoseInputsDoNotFitThrows) {
  Graft graft(module);
  ModuleRecord linear = record("fc", "nn.Linear");
  linear.attrs = {{"in_features", 5}, {"out_features", 4}};
  const ModuleId id = graft.add_record(std::move(linear));
  EXPECT_THROW(graft.call_module(id, {&at("a")}), Error);
}

TEST_F(GraftTest, NothingToDoDeclines) {
  Graft graft(module);
  EXPECT_EQ(graft.check().reason(), "it replaces nothing");
  graft.call_module(graft.add_record(record("new", "nn.SiLU")), {&at("a")});
  EXPECT_EQ(graft.check().reason(), "it replaces nothing");
}

TEST_F(GraftTest, RemovesWhatNothingUses) {
  module =
      testing::parse_network("graph(%x: f32[2]) {\n  %n = size(%x)\n  %a = assert(%n)\n  %y = aten.neg.default(%x)\n  return %y\n}\n");
  Graft graft(module);
  EXPECT_FALSE(graft.remove(at("n")));
  ASSERT_TRUE(graft.remove(at("a")));
  commit(graft);
  EXPECT_EQ(result(), "graph(%x: f32[2]) {\n  %y = aten.neg.default(%x)\n  return %y\n}\n");
}

TEST_F(GraftTest, TouchesNewNodesTheirReadersAndWhatLostAReader) {
  Graft graft(module);
  ASSERT_TRUE(graft.replace(at("b"), graft.call_module(graft.add_record(record("new", "nn.SiLU")), {&at("x")})));
  ASSERT_TRUE(graft.check());
  std::string touched;
  graft.commit([&](Node& node) { touched += node.name().str() + " "; });
  EXPECT_EQ(touched, "b c x ");
}

TEST_F(GraftTest, NamesInstancesAfterTheirKind) {
  Graft graft(module);
  ModuleRecord fused;
  fused.kind = "FusedActAdd";
  fused.children.emplace_back("act", at("b").module());
  Node& node = graft.call_module(graft.add_instance(std::move(fused)), {&at("a"), &at("z")});
  ASSERT_TRUE(graft.replace(at("c"), node));
  commit(graft);
  EXPECT_EQ(result(),
            "graph(%x: f32[2, 4], %z: f32[2, 4]) {\n"
            "  %a = nn.ReLU @a(%x)\n"
            "  %fused_act_add_0 = FusedActAdd @FusedActAdd_0(%a, %z) [act=nn.Tanh @b]\n"
            "  return %fused_act_add_0\n"
            "}\n");
}

TEST_F(GraftTest, ANewRecordNeverTakesAPathThatIsTaken) {
  Graft graft(module);
  EXPECT_EQ(module.modules()[graft.add_record(record("a", "nn.SiLU"))].path, Symbol("a_1"));
  EXPECT_EQ(module.modules()[graft.add_record(record("a", "nn.SiLU"))].path, Symbol("a_2"));
}

TEST_F(GraftTest, ASharedRecordIsTheSameModule) {
  Graft graft(module);
  EXPECT_EQ(graft.share_record(record("a", "nn.ReLU")), module.modules().find("a"));
  EXPECT_EQ(module.modules()[graft.share_record(record("a", "nn.SiLU"))].path, Symbol("a_1"));
  graft.add_record(record("leaky", "nn.LeakyReLU"));
  ModuleRecord other = record("leaky", "nn.LeakyReLU");
  other.attrs.set("negative_slope", 0.5);
  EXPECT_EQ(module.modules()[graft.share_record(std::move(other))].path, Symbol("leaky_1"));
}

TEST_F(GraftTest, ARecordThatItsKindDoesNotKnowIsRefused) {
  const size_t before = module.modules().size();
  Graft graft(module);
  ModuleRecord wrong = record("a", "nn.ReLU");
  wrong.attrs.set("slope", 0.5);
  EXPECT_THROW(graft.add_record(std::move(wrong)), Error);
  EXPECT_THROW(graft.add_record(record("n", "nn.Nothing")), Error);
  EXPECT_EQ(module.modules().size(), before);
}

TEST_F(GraftTest, OneNodeMayReplaceSeveralValues) {
  module = testing::parse_network(
      "graph(%x: f32[2, 4]) {\n"
      "  %q = nn.ReLU @q(%x)\n"
      "  %k = nn.Tanh @k(%x)\n"
      "  %u = aten.neg.default(%q)\n"
      "  %w = aten.neg.default(%k)\n"
      "  return %u, %w\n"
      "}\n");
  Graft graft(module);
  Node& merged = graft.call_module(graft.add_record(record("both", "nn.SiLU")), {&at("x")});
  ASSERT_TRUE(graft.replace(at("q"), merged));
  ASSERT_TRUE(graft.replace(at("k"), merged));
  commit(graft);
  EXPECT_EQ(module.graph().size(), 5u);
}

TEST_F(GraftTest, AMergedNodeThatIsNeededBeforeItsInputsAreReadyDeclines) {
  module = testing::parse_network(
      "graph(%x: f32[2, 4]) {\n"
      "  %q = nn.ReLU @q(%x)\n"
      "  %u = aten.neg.default(%q)\n"
      "  %k = nn.Tanh @k(%u)\n"
      "  return %k\n"
      "}\n");
  const std::string before = result();
  {
    Graft graft(module);
    Node& merged = graft.call_function("aten.add.Tensor", {&at("x"), &at("u")}, {});
    ASSERT_TRUE(graft.replace(at("q"), merged));
    ASSERT_TRUE(graft.replace(at("k"), merged));
    EXPECT_EQ(graft.check().reason(), "the new node would be needed before %u is ready");
  }
  EXPECT_EQ(result(), before);
}

}  // namespace
}  // namespace graftwork
