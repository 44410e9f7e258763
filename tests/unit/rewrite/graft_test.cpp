// A graft is carried out whole or not at all.
#include "graftwork/rewrite/graft.h"

#include <gtest/gtest.h>

#include "graftwork/base/error.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/ir/verify.h"
#include "support/networks.h"

namespace graftwork::core {
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
    graft.commit();
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
  module = testing::parse_network(
      "graph(%x: f32[2]) {\n  %n = size(%x)\n  %a = assert(%n)\n  %y = aten.neg.default(%x)\n  return %y\n}\n");
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
  graft.commit();
  graft.visit_touched([&](Node& node) { touched += node.name().str() + " "; });
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

TEST_F(GraftTest, ANewNodeThatReadsOneOfSeveralReplacedValuesDeclines) {
  Graft graft(module);
  Node& both = graft.call_function("aten.add.Tensor", {&at("a"), &at("z")}, {});
  ASSERT_TRUE(graft.replace(at("a"), both));
  ASSERT_TRUE(graft.replace(at("b"), both));
  EXPECT_EQ(graft.check().reason(), "the new node would be needed before %a is ready");
}

TEST_F(GraftTest, ANewNodeThatNothingReadsDeclines) {
  Graft graft(module);
  graft.call_function("aten.neg.default", {&at("x")}, {});
  ASSERT_TRUE(graft.replace(at("b"), at("x")));
  EXPECT_EQ(graft.check().reason(), "nothing reads the new aten.neg.default");
}

// Rewired operands.

constexpr const char* kFork =
    "graph(%x: f32[2, 4]) {\n"
    "  %a = nn.ReLU @a(%x)\n"
    "  %p = aten.neg.default(%a)\n"
    "  %q = aten.add.Tensor(%a, %a)\n"
    "  %r = aten.mul.Tensor(%q, %a)\n"
    "  return %r, %p\n"
    "}\n";

TEST_F(GraftTest, PutsANodeInFrontOfSomeReaders) {
  module = testing::parse_network(kFork);
  Graft graft(module);
  Node& stub = graft.call_module(graft.add_record(record("quant_stub_0", "QuantStub")), {&at("a")});
  ASSERT_TRUE(graft.rewire(at("q"), 1, stub));
  ASSERT_TRUE(graft.rewire(at("r"), 1, stub));
  EXPECT_EQ(graft.check().reason(), "");
  commit(graft);
  EXPECT_EQ(result(),
            "graph(%x: f32[2, 4]) {\n"
            "  %a = nn.ReLU @a(%x)\n"
            "  %p = aten.neg.default(%a)\n"
            "  %quant_stub_0 = QuantStub @quant_stub_0(%a)\n"
            "  %q = aten.add.Tensor(%a, %quant_stub_0)\n"
            "  %r = aten.mul.Tensor(%q, %quant_stub_0)\n"
            "  return %r, %p\n"
            "}\n");
}

TEST_F(GraftTest, PutsEachNewNodeWhereItIsNeeded) {
  module = testing::parse_network(kFork);
  Graft graft(module);
  Node& late = graft.call_function("aten.abs.default", {&at("q")}, {});
  Node& early = graft.call_function("aten.cos.default", {&at("x")}, {});
  ASSERT_TRUE(graft.rewire(*module.graph().output(), 0, late));
  ASSERT_TRUE(graft.rewire(at("p"), 0, early));
  commit(graft);
  EXPECT_EQ(result(),
            "graph(%x: f32[2, 4]) {\n"
            "  %a = nn.ReLU @a(%x)\n"
            "  %cos = aten.cos.default(%x)\n"
            "  %p = aten.neg.default(%cos)\n"
            "  %q = aten.add.Tensor(%a, %a)\n"
            "  %abs = aten.abs.default(%q)\n"
            "  return %abs, %p\n"
            "}\n");
}

TEST_F(GraftTest, WhatLosesItsLastReaderToARewiredOperandGoes) {
  Graft graft(module);
  ASSERT_TRUE(graft.rewire(at("c"), 0, at("x")));
  commit(graft);
  EXPECT_EQ(result(), "graph(%x: f32[2, 4], %z: f32[2, 4]) {\n  %c = aten.add.Tensor(%x, %z)\n  return %c\n}\n");
}

TEST_F(GraftTest, ARewiredOperandKeepsItsTypeAndItsOrder) {
  Graft graft(module);
  Node& turned = graft.call_function("aten.transpose.int", {&at("a")}, {{"dim0", 0}, {"dim1", 1}});
  EXPECT_EQ(graft.rewire(at("c"), 1, turned).reason(), "operand 1 of %c would be f32[4, 2] instead of f32[2, 4]");
  graft.reset();
  ASSERT_TRUE(graft.rewire(at("a"), 0, at("b")));
  EXPECT_EQ(graft.check().reason(), "%b would be needed before it is ready");
  graft.reset();
  ASSERT_TRUE(graft.rewire(at("b"), 0, graft.call_function("aten.neg.default", {&at("c")}, {})));
  EXPECT_EQ(graft.check().reason(), "the new node would be needed before %c is ready");
}

TEST_F(GraftTest, AnOperandReadsOneValue) {
  Graft graft(module);
  ASSERT_TRUE(graft.rewire(at("c"), 1, at("x")));
  ASSERT_TRUE(graft.rewire(at("c"), 1, at("x")));
  EXPECT_TRUE(graft.check());
  ASSERT_TRUE(graft.rewire(at("c"), 1, at("a")));
  EXPECT_EQ(graft.check().reason(), "operand 1 of %c would read two values");
  graft.reset();
  ASSERT_TRUE(graft.replace(at("b"), at("a")));
  ASSERT_TRUE(graft.rewire(at("c"), 1, at("b")));
  EXPECT_EQ(graft.check().reason(), "%b is read again and replaced");
}

TEST_F(GraftTest, RewiredReadersAreTouched) {
  Graft graft(module);
  ASSERT_TRUE(graft.rewire(at("c"), 0, at("x")));
  graft.apply();
  std::string touched;
  graft.visit_touched([&](Node& node) { touched += node.name().str() + " "; });
  EXPECT_EQ(touched, "c x ");
}

// Edited records.

constexpr const char* kFused =
    "graph(%x: f32[1, 4, 8, 8]) {\n"
    "  %f = FusedConvBN @FusedConvBN_0(%x) {stubs=[0]} [conv=nn.Conv2d @conv {in_channels=4, out_channels=4, "
    "kernel_size=[1, 1]}, weight_fake_quant=WeightFakeQuantize @w]\n"
    "  return %f\n"
    "}\n";

TEST_F(GraftTest, EditsRecords) {
  module = testing::parse_network(kFused);
  const ParamExpr scale = ParamExpr::leaf("s", {DType::kF32, {4}});
  Graft graft(module);
  const ModuleId fused = at("f").module(), weight = module.modules()[fused].child("weight_fake_quant");
  graft.edit(weight).set_param("scale", scale);
  std::erase_if(graft.edit(fused).children,
                [](const auto& child) { return child.first == Symbol("weight_fake_quant"); });
  graft.edit(fused).attrs.set("stubs", std::vector<int64_t>{});
  EXPECT_EQ(result(), kFused) << "before commit() the records are what they were";
  commit(graft);
  EXPECT_EQ(
      result(),
      "graph(%x: f32[1, 4, 8, 8]) {\n"
      "  %f = FusedConvBN @FusedConvBN_0(%x) [conv=nn.Conv2d @conv {in_channels=4, out_channels=4, kernel_size=[1, "
      "1]}]\n"
      "  return %f\n"
      "}\n");
  EXPECT_EQ(*module.modules()[weight].param("scale"), scale);
  std::string touched;
  graft.visit_touched([&](Node& node) { touched += node.name().str() + " "; });
  EXPECT_EQ(touched, "f ");
}

TEST_F(GraftTest, TakesEditsBackWithTheRest) {
  module = testing::parse_network(kFused);
  Graft graft(module);
  graft.edit(at("f").module()).children.emplace_back("act", graft.add_record(record("act", "nn.ReLU")));
  ASSERT_TRUE(graft.check());
  graft.reset();
  EXPECT_EQ(result(), kFused);
  EXPECT_FALSE(module.modules().find("act"));
  EXPECT_EQ(graft.check().reason(), "it replaces nothing");
}

TEST_F(GraftTest, AnEditThatChangesATypeDeclines) {
  module = testing::parse_network(kFused);
  {
    Graft graft(module);
    const ModuleId conv = module.modules().find("conv");
    graft.edit(conv).attrs.set("padding", std::vector<int64_t>{1, 1});
    EXPECT_EQ(graft.check().reason(), "%f would be f32[1, 4, 10, 10] instead of f32[1, 4, 8, 8]");
    graft.reset();
    graft.edit(conv).attrs.set("in_channels", 3);
    EXPECT_THROW((void)graft.check(), Error) << "the input has 4 channels";
  }
  EXPECT_EQ(result(), kFused);
}

TEST_F(GraftTest, AnEditThatItsKindDoesNotKnowIsRefused) {
  Graft graft(module);
  graft.edit(at("a").module()).attrs.set("slope", 0.5);
  EXPECT_THROW((void)graft.check(), Error);
  graft.reset();
  graft.edit(at("a").module()).children.emplace_back("act", ModuleId{});
  EXPECT_EQ(graft.check().reason(), "part act of a has no record");
  graft.reset();
  graft.edit(at("a").module()).path = "b";
  EXPECT_THROW((void)graft.check(), InternalError);
}

// Names.

TEST_F(GraftTest, NamesAreUniqueWhateverTheOperator) {
  const auto pad_in_front = [&](Node& reader) {
    Graft graft(module);
    Node& pad = graft.call_function("aten.pad.default", {&reader.input(0)}, {{"pad", std::vector<int64_t>{0, 0}}});
    ASSERT_TRUE(graft.rewire(reader, 0, pad));
    commit(graft);
  };
  pad_in_front(at("b"));
  {
    Graft dropped(module);
    Node& pad = dropped.call_function("aten.pad.default", {&at("a")}, {{"pad", std::vector<int64_t>{0, 0}}});
    ASSERT_TRUE(dropped.rewire(at("b"), 0, pad));
  }
  pad_in_front(at("a"));
  pad_in_front(at("c"));
  EXPECT_EQ(at("b").input(0).name(), Symbol("pad"));
  EXPECT_EQ(at("a").input(0).name(), Symbol("pad_1"));
  EXPECT_EQ(at("c").input(0).name(), Symbol("pad_2"));
}

TEST_F(GraftTest, NoNewNodeTakesTheNameOfAnotherValue) {
  module = testing::parse_network(
      "graph(%pad: f32[2, 4]) {\n"
      "  %fused_act_add_0 = nn.ReLU @a(%pad)\n"
      "  %c = aten.add.Tensor(%fused_act_add_0, %pad)\n"
      "  return %c\n"
      "}\n");
  Graft graft(module);
  Node& pad = graft.call_function("aten.pad.default", {&at("pad")}, {{"pad", std::vector<int64_t>{0, 0}}});
  ModuleRecord fused;
  fused.kind = "FusedActAdd";
  fused.children.emplace_back("act", at("fused_act_add_0").module());
  Node& node = graft.call_module(graft.add_instance(std::move(fused)), {&at("fused_act_add_0"), &pad});
  ASSERT_TRUE(graft.replace(at("c"), node));
  commit(graft);
  EXPECT_EQ(pad.name(), Symbol("pad_1"));
  EXPECT_EQ(node.name(), Symbol("fused_act_add_0_1"));
}

TEST_F(GraftTest, ACopyOfWhatGoesTakesItsName) {
  Graft graft(module);
  Node& copy = graft.call_module(at("a").module(), {&at("z")});
  ASSERT_TRUE(graft.replace(at("b"), graft.call_module(at("b").module(), {&copy})));
  commit(graft);
  EXPECT_EQ(result(),
            "graph(%x: f32[2, 4], %z: f32[2, 4]) {\n"
            "  %a = nn.ReLU @a(%z)\n"
            "  %b = nn.Tanh @b(%a)\n"
            "  %c = aten.add.Tensor(%b, %z)\n"
            "  return %c\n"
            "}\n");
}

TEST_F(GraftTest, ANameIsFreeAgainOnceItsNodeIsGone) {
  const auto read_negated = [&](Node& x) {
    Graft graft(module);
    ASSERT_TRUE(graft.rewire(at("c"), 0, graft.call_function("aten.neg.default", {&x}, {})));
    commit(graft);
  };
  read_negated(at("x"));
  read_negated(at("z"));
  EXPECT_EQ(at("c").input(0).name(), Symbol("neg"));
}

}  // namespace
}  // namespace graftwork::core
