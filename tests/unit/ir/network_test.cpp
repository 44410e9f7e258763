// Whole networks: module records, copies, comparison, canonical order, verification.
#include <gtest/gtest.h>

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/canonical_order.h"
#include "graftwork/ir/isomorphism.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/ir/verify.h"
#include "graftwork/rewrite/graft.h"
#include "support/graph_test_access.h"
#include "support/networks.h"
#include "support/shuffle.h"

namespace graftwork::core {
namespace {

constexpr const char* kNetwork =
    "graph(%x: f32[1, 4, 8, 8], %z: f32[1, 4, 8, 8]) {\n"
    "  %k = constant @k: f32[8]\n"
    "  %c = nn.Conv2d @a.conv(%x) {in_channels=4, out_channels=4, kernel_size=[1, 1]}\n"
    "  %d = nn.Conv2d @b.conv(%z) {in_channels=4, out_channels=4, kernel_size=[1, 1]}\n"
    "  %s = aten.sub.Tensor(%c, %d)\n"
    "  %m = aten.mul.Tensor(%s, %k)\n"
    "  return sum=%m, first=%c\n"
    "}\n";

std::string changed(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

Node& named(const GraphModule& module, Symbol name) {
  for (Node& node : module.graph().nodes()) {
    if (node.name() == name) return node;
  }
  throw std::runtime_error("no node " + name.str());
}

ModuleRecord record_of(Symbol path, Symbol kind) {
  ModuleRecord record;
  record.path = path;
  record.kind = kind;
  return record;
}

TEST(ModuleTable, FindsRecordsByPath) {
  ModuleTable table;
  const ModuleId a = table.add(record_of("a", "nn.ReLU"));
  EXPECT_EQ(table.find("a"), a);
  EXPECT_FALSE(table.find("b"));
  EXPECT_THROW(table.add(record_of("a", "nn.ReLU")), InternalError);
}

TEST(ModuleTable, CountsInstancesPerKind) {
  ModuleTable table;
  EXPECT_EQ(table.fresh_path("nn.Identity"), Symbol("nn.Identity_0"));
  table.add(record_of("nn.Identity_0", "nn.Identity"));
  EXPECT_EQ(table.fresh_path("nn.Identity"), Symbol("nn.Identity_1"));
  EXPECT_EQ(table.fresh_path("FusedConvBN"), Symbol("FusedConvBN_0"));
  table.add(record_of("FusedConvBN_0", "nn.ReLU"));
  EXPECT_EQ(table.fresh_path("FusedConvBN"), Symbol("FusedConvBN_1"));
  EXPECT_TRUE(table.is_instance(table.find("nn.Identity_0")));
  EXPECT_FALSE(table.is_instance(table.find("FusedConvBN_0")));
}

TEST(ModuleTable, MakesPathsUnique) {
  ModuleTable table;
  EXPECT_EQ(table.unique_path("a"), Symbol("a"));
  table.add(record_of("a", "nn.ReLU"));
  table.add(record_of("a_1", "nn.ReLU"));
  EXPECT_EQ(table.unique_path("a"), Symbol("a_2"));
}

TEST(ModuleTable, TakesBackWhatWasAddedLast) {
  ModuleTable table;
  table.add(record_of("a", "nn.ReLU"));
  table.add(record_of("nn.Identity_0", "nn.Identity"));
  GraphTestAccess::truncate(table, 1);
  EXPECT_EQ(table.size(), 1u);
  EXPECT_FALSE(table.find("nn.Identity_0"));
  EXPECT_EQ(table.fresh_path("nn.Identity"), Symbol("nn.Identity_0"));
}

TEST(GraphModule, AClonesChangesStayItsOwn) {
  const GraphModule module = testing::parse_network(kNetwork);
  GraphModule copy = module.clone();
  verify(copy);
  EXPECT_FALSE(difference(module, copy));
  EXPECT_EQ(print(copy), print(module));
  Graft graft(copy);
  graft.edit(copy.modules().find("a.conv")).attrs.set("groups", 2);
  ASSERT_TRUE(graft.rewire(*copy.graph().output(), 1, named(copy, "d")));
  ASSERT_TRUE(graft.replace(named(copy, "s"), graft.call_function("aten.neg.default", {&named(copy, "c")}, {})));
  graft.apply();
  EXPECT_TRUE(difference(module, copy));
  EXPECT_EQ(print(module), kNetwork);
}

TEST(GraphModule, ListsTheStoredTensorsThatItReads) {
  const GraphModule module = testing::parse_network(
      "graph(%x: f32[2, 4]) {\n"
      "  %k = constant view(@k: f32[8], [2, 4])\n"
      "  %f = FusedLinear @FusedLinear_0(%x) [linear=nn.Linear @fc {in_features=4, out_features=4, weight=multiply(@w: "
      "f32[4, 4], @g: f32[4])}]\n"
      "  return %f, %k\n"
      "}\n");
  std::string names;
  for (const auto& [name, type] : module.parameters()) names += cat(name, " ", type.text(), "; ");
  EXPECT_EQ(names, "fc.bias f32[4]; g f32[4]; k f32[8]; w f32[4, 4]; ");
}

TEST(Isomorphism, NamesAndOrderDoNotMatter) {
  const GraphModule module = testing::parse_network(kNetwork);
  EXPECT_EQ(difference(module, module), std::nullopt);
  EXPECT_EQ(difference(module,
                       testing::parse_network(changed(
                           changed(changed(kNetwork, "%s =", "%t ="), "(%s, %k)", "(%t, %k)"), "%z: f32", "%z: f32"))),
            std::nullopt);
  for (uint64_t seed = 0; seed < 20; ++seed)
    EXPECT_EQ(difference(module, testing::shuffled(module, seed)), std::nullopt);
}

TEST(Isomorphism, ExplainsEachKindOfDifference) {
  const auto expect_difference = [](const std::string& from, const std::string& to, const std::string& expected) {
    const auto found =
        difference(testing::parse_network(kNetwork), testing::parse_network(changed(kNetwork, from, to)));
    ASSERT_TRUE(found) << from << " → " << to;
    EXPECT_NE(found->find(expected), std::string::npos) << *found;
  };
  expect_difference("aten.sub.Tensor", "aten.div.Tensor", "%s and %s: aten.sub.Tensor against aten.div.Tensor");
  expect_difference("(%c, %d)", "(%d, %c)", "corresponds to");
  expect_difference("(%c, %d)", "(%c, %c)", "%c stands for both");
  expect_difference("(%c, %d)\n", "(%c, %d) {alpha=1}\n", "attributes differ");
  expect_difference("@k: f32[8]", "@l: f32[8]", "@k: f32[8] against @l: f32[8]");
  expect_difference("@b.conv", "@c.conv", "nn.Conv2d @b.conv");
  expect_difference("kernel_size=[1, 1]}", "kernel_size=[1, 1], bias=none}", "bias=none");
  expect_difference("%z: f32[1, 4, 8, 8]", "%z: f32[s0, 4, 8, 8]", "f32[1, 4, 8, 8] against f32[s0, 4, 8, 8]");
  expect_difference("%z: f32[1, 4, 8, 8])", "%z: f32[1, 4, 8, 8], %y: int)", "one has 2 inputs, the other 3");
  expect_difference("first=%c", "second=%c", "the results have other names");
  expect_difference("sum=%m, first=%c", "sum=%c, first=%m", "");
  expect_difference("first=%c", "first=%d", "");
  expect_difference("  %m =", "  %dead = aten.neg.default(%s)\n  %m =", "one has 8 nodes, the other 9");
}

TEST(Isomorphism, ComparesALongChainWithoutRecursion) {
  const auto chain = [](int length, int64_t last) {
    GraphModule module;
    Node* at = &module.add_input("x", TensorType{DType::kF32, {2}});
    for (int i = 0; i < length; ++i) at = &module.add_call_function("aten.neg.default", "n", std::span(&at, 1), {});
    at = &module.add_call_function("aten.last", "last", std::span(&at, 1), {{"k", last}});
    module.add_output(std::span(&at, 1), {""});
    return module;
  };
  const GraphModule module = chain(50'000, 1);
  EXPECT_EQ(difference(module, chain(50'000, 1)), std::nullopt);
  EXPECT_NE(difference(module, chain(50'000, 2)), std::nullopt);
}

std::vector<std::string> ranking(const GraphModule& module) {
  const CanonicalOrder order(module);
  std::vector<const Node*> nodes;
  for (const Node& node : module.graph().nodes()) nodes.push_back(&node);
  std::stable_sort(nodes.begin(), nodes.end(), [&](const Node* a, const Node* b) { return order.less(*a, *b); });
  std::vector<std::string> names;
  for (const Node* node : nodes) names.push_back(node->name().str());
  return names;
}

TEST(CanonicalOrder, DoesNotDependOnHowTheGraphIsStored) {
  const GraphModule module = testing::parse_network(
      "graph(%x: f32[1, 4], %z: f32[1, 4]) {\n"
      "  %k = constant @k: f32[4]\n"
      "  %j = constant @j: f32[4]\n"
      "  %b = nn.ReLU @b(%z)\n"
      "  %a = nn.ReLU @a(%x)\n"
      "  %m = aten.mul.Tensor(%x, %k)\n"
      "  %n = aten.mul.Tensor(%x, %j)\n"
      "  %t1 = nn.Tanh @t(%z)\n"
      "  %t2 = nn.Tanh @t(%z)\n"
      "  %u = nn.Sigmoid @u(%t1)\n"
      "  %v = nn.Sigmoid @v(%t2)\n"
      "  %l = aten.leaky_relu.default(%z) {negative_slope=0.1}\n"
      "  %o = aten.leaky_relu.default(%z) {negative_slope=0.2}\n"
      "  return %a, %b, %m, %n, %u, %v, %l, %o\n"
      "}\n");
  for (uint64_t seed = 0; seed < 20; ++seed)
    EXPECT_EQ(ranking(testing::shuffled(module, seed)), ranking(module)) << "seed " << seed;
}

TEST(CanonicalOrder, RanksByDepthThenPath) {
  const GraphModule module = testing::parse_network(
      "graph(%x: f32[1, 4]) {\n"
      "  %b = nn.ReLU @b(%x)\n"
      "  %a = nn.ReLU @a(%x)\n"
      "  %d = nn.ReLU @0(%b)\n"
      "  %s = aten.sub.Tensor(%x, %d)\n"
      "  return %s, %a\n"
      "}\n");
  EXPECT_EQ(ranking(module), (std::vector<std::string>{"x", "a", "b", "d", "s", ""}));
  EXPECT_EQ(CanonicalOrder(module).depth(named(module, "s")), 3u);
}

TEST(CanonicalOrder, ConstantsAddNoDepth) {
  const GraphModule module =
      testing::parse_network("graph() {\n  %k = constant @k: f32[4]\n  %y = aten.neg.default(%k)\n  return %y\n}\n");
  EXPECT_EQ(CanonicalOrder(module).depth(named(module, "y")), 0u);
}

TEST(CanonicalOrder, TwinsOfOneModuleAreToldApartByWhoReadsThem) {
  const GraphModule module = testing::parse_network(
      "graph(%x: f32[1, 4]) {\n"
      "  %t1 = nn.Tanh @t(%x)\n"
      "  %t2 = nn.Tanh @t(%x)\n"
      "  %u = nn.Sigmoid @u(%t1)\n"
      "  %v = nn.Sigmoid @v(%t2)\n"
      "  %s = aten.stack.default(%u, %v)\n"
      "  return %s\n"
      "}\n");
  const CanonicalOrder order(module);
  const Node& a = named(module, "t1");
  const Node& b = named(module, "t2");
  EXPECT_NE(order.less(a, b), order.less(b, a));
}

std::string broken(GraphModule& module) {
  try {
    verify(module);
  } catch (const InternalError& error) {
    return error.what();
  }
  return "nothing is wrong";
}

TEST(Verify, AcceptsASoundNetwork) { EXPECT_NO_THROW(verify(testing::parse_network(kNetwork))); }

TEST(Verify, FindsWhatIsBroken) {
  const auto expect_broken = [](const std::string& expected, auto&& damage) {
    GraphModule module = testing::parse_network(kNetwork);
    damage(module);
    EXPECT_NE(broken(module).find(expected), std::string::npos) << broken(module);
  };
  expect_broken("nothing is wrong", [](GraphModule&) {});
  expect_broken("stands behind its user",
                [](GraphModule& m) { GraphTestAccess::set_input(m.graph(), named(m, "c"), 0, named(m, "s")); });
  expect_broken("was erased", [](GraphModule& m) { GraphTestAccess::erase(m.graph(), named(m, "s")); });
  expect_broken("another value has this name",
                [](GraphModule& m) { GraphTestAccess::set_name(m.graph(), named(m, "d"), "c"); });
  expect_broken("its kind infers", [](GraphModule& m) {
    GraphTestAccess::set_type(m.graph(), named(m, "c"), TensorType{DType::kF32, {2}});
  });
  expect_broken("takes 4 channels", [](GraphModule& m) {
    GraphTestAccess::set_type(m.graph(), named(m, "x"), TensorType{DType::kF32, {1, 3, 8, 8}});
  });
  const auto edit = [](GraphModule& m) -> ModuleRecord& {
    return GraphTestAccess::edit(m.modules(), m.modules().find("a.conv"));
  };
  expect_broken("has no attribute speed", [&](GraphModule& m) { edit(m).attrs.set("speed", 3); });
  expect_broken("needs the attribute in_channels", [&](GraphModule& m) { edit(m).attrs.erase("in_channels"); });
  expect_broken("as stride, not [1]", [&](GraphModule& m) { edit(m).attrs.set("stride", std::vector<int64_t>{1}); });
  expect_broken("parameter weight is missing", [&](GraphModule& m) { edit(m).params.clear(); });
  expect_broken("its kind implies f32[4, 4, 1, 1]",
                [&](GraphModule& m) { edit(m).set_param("weight", ParamExpr::leaf("w", {DType::kF32, {4, 4}})); });
  expect_broken("has no parameter gain",
                [&](GraphModule& m) { edit(m).set_param("gain", ParamExpr::leaf("w", {DType::kF32, {4}})); });
  expect_broken("part conv has no record", [&](GraphModule& m) { edit(m).children.emplace_back("conv", ModuleId{}); });
  expect_broken("kind nn.Magic is unknown", [&](GraphModule& m) { edit(m).kind = "nn.Magic"; });
  expect_broken("another number of results", [](GraphModule& m) { m.signature().outputs.pop_back(); });
  GraphModule empty;
  EXPECT_EQ(broken(empty), "the graph has no output");
}

}  // namespace
}  // namespace graftwork::core
