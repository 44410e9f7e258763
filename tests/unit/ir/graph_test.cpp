// Order, uses, erasing and finding nodes.
#include "graftwork/ir/graph.h"

#include <gtest/gtest.h>

#include <random>

#include "graftwork/base/text.h"
#include "graftwork/ir/verify.h"
#include "support/graph_test_access.h"

namespace graftwork::core {
namespace {

class GraphTest : public ::testing::Test {
 protected:
  Node& add(Symbol name, std::vector<Node*> inputs = {}) { return graph.append(spec(name), inputs); }
  Node& add_before(Node& at, Symbol name, std::vector<Node*> inputs = {}) {
    Node& node = GraphTestAccess::stage(graph, spec(name), inputs);
    GraphTestAccess::link_before(graph, node, at);
    return node;
  }
  static NodeSpec spec(Symbol name) {
    NodeSpec result;
    result.op = "op";
    result.name = name;
    return result;
  }
  std::string names() const {
    std::string text;
    for (const Node& node : graph.nodes()) text += node.name().str() + " ";
    return text;
  }
  static std::string users(const Node& node) {
    std::string text;
    for (const Use* use = node.uses(); use; use = use->next()) text += cat(use->user()->name().str(), use->slot(), " ");
    return text;
  }
  /// Whether labels agree with the list.
  bool labels_rise() const {
    const Node* last = nullptr;
    for (const Node& node : graph.nodes()) {
      if (last && !last->before(node)) return false;
      last = &node;
    }
    return true;
  }

  Graph graph;
};

TEST_F(GraphTest, KeepsTheOrderOfAppending) {
  add("a");
  add("b");
  add("c");
  EXPECT_EQ(names(), "a b c ");
  EXPECT_EQ(graph.size(), 3u);
  EXPECT_TRUE(labels_rise());
}

TEST_F(GraphTest, PutsANodeBeforeAnother) {
  Node& a = add("a");
  Node& c = add("c");
  Node& b = add_before(c, "b");
  Node& first = add_before(a, "first");
  EXPECT_EQ(names(), "first a b c ");
  EXPECT_TRUE(first.before(a) && a.before(b) && b.before(c));
  EXPECT_FALSE(c.before(b));
  EXPECT_FALSE(a.before(a));
}

TEST_F(GraphTest, KeepsOrderUnder200000InsertionsAtOneSpot) {
  add("first");
  Node& last = add("last");
  for (int i = 0; i < 200'000; ++i) add_before(last, "x");
  EXPECT_TRUE(labels_rise());
  EXPECT_EQ(graph.size(), 200'002u);
}

TEST_F(GraphTest, KeepsOrderUnderInsertionsAtTheVeryFront) {
  Node* front = &add("last");
  for (int i = 0; i < 20'000; ++i) front = &add_before(*front, "x");
  EXPECT_TRUE(labels_rise());
}

TEST_F(GraphTest, KeepsOrderUnderRandomInsertions) {
  std::vector<Node*> nodes{&add("first")};
  std::mt19937_64 random(7);
  for (int i = 0; i < 20'000; ++i)
    nodes.push_back(&add_before(*nodes[random() % std::min<size_t>(nodes.size(), 50)], "x"));
  EXPECT_TRUE(labels_rise());
}

TEST_F(GraphTest, KnowsTheUsersOfAValue) {
  Node& a = add("a");
  Node& b = add("b", {&a, &a});
  add("c", {&b, &a});
  EXPECT_EQ(users(a), "c1 b1 b0 ");
  EXPECT_EQ(a.use_count(), 3u);
  EXPECT_EQ(b.use_count(), 1u);
  EXPECT_EQ(&b.input(1), &a);
}

TEST_F(GraphTest, ReplacesAllUses) {
  Node& a = add("a");
  Node& now = add("now");
  Node& b = add("b", {&a, &now, &a});
  GraphTestAccess::replace_all_uses(graph, a, now);
  EXPECT_EQ(a.use_count(), 0u);
  EXPECT_EQ(a.uses(), nullptr);
  EXPECT_EQ(now.use_count(), 3u);
  for (const Use& use : b.inputs()) EXPECT_EQ(use.producer(), &now);
}

TEST_F(GraphTest, ReplacesOneOperand) {
  Node& a = add("a");
  Node& b = add("b");
  Node& c = add("c", {&a, &a});
  GraphTestAccess::set_input(graph, c, 1, b);
  EXPECT_EQ(users(a), "c0 ");
  EXPECT_EQ(users(b), "c1 ");
}

TEST_F(GraphTest, AnErasedNodeGivesItsOperandsBackAndStaysReadable) {
  Node& a = add("a");
  Node& b = add("b", {&a});
  GraphTestAccess::erase(graph, b);
  EXPECT_EQ(names(), "a ");
  EXPECT_EQ(graph.size(), 1u);
  EXPECT_EQ(a.use_count(), 0u);
  EXPECT_FALSE(b.alive());
  EXPECT_EQ(b.name(), Symbol("b"));
}

TEST_F(GraphTest, ErasingWhileIteratingIsSafe) {
  add("a");
  Node& b = add("b");
  Node& c = add("c");
  add("d");
  std::string seen;
  for (Node& node : graph.nodes()) {
    seen += node.name().str();
    if (&node == &b) {
      GraphTestAccess::erase(graph, b);
      GraphTestAccess::erase(graph, c);
    }
  }
  EXPECT_EQ(seen, "abd");
}

TEST_F(GraphTest, ANodeInsertedBehindTheCurrentOneIsVisited) {
  add("a");
  Node& b = add("b");
  std::string seen;
  for (Node& node : graph.nodes()) {
    if (seen.empty()) add_before(b, "new");
    seen += node.name().str() + " ";
  }
  EXPECT_EQ(seen, "a new b ");
}

TEST_F(GraphTest, ResolvesThroughReplacements) {
  Node& a = add("a");
  Node& b = add("b");
  Node& c = add("c");
  EXPECT_EQ(a.resolve(), &a);
  GraphTestAccess::replace_all_uses(graph, a, b);
  GraphTestAccess::erase(graph, a);
  EXPECT_EQ(a.resolve(), &b);
  GraphTestAccess::replace_all_uses(graph, b, c);
  GraphTestAccess::erase(graph, b);
  EXPECT_EQ(a.resolve(), &c);
  GraphTestAccess::erase(graph, c);
  EXPECT_EQ(a.resolve(), nullptr);
}

TEST_F(GraphTest, ADiscardedNodeLeavesNoTrace) {
  Node& a = add("a");
  Node* const input = &a;
  Node& staged = GraphTestAccess::stage(graph, spec("staged"), std::span(&input, 1));
  EXPECT_EQ(a.use_count(), 1u);
  GraphTestAccess::discard(graph, staged);
  EXPECT_EQ(a.use_count(), 0u);
  EXPECT_EQ(names(), "a ");
  EXPECT_EQ(graph.size(), 1u);
}

TEST_F(GraphTest, FindsLiveNodesOnly) {
  Node& a = add("a");
  Node& b = add("b");
  const NodeId id_a = a.id();
  const NodeId id_b = b.id();
  EXPECT_EQ(graph.find(id_a), &a);
  GraphTestAccess::erase(graph, b);
  EXPECT_EQ(graph.find(id_b), nullptr);
  EXPECT_EQ(graph.find({}), nullptr);
}

}  // namespace
}  // namespace graftwork::core
