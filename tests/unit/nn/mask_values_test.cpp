// What is a mask and what is only a small number.
#include "graftwork/nn/mask_values.h"

#include <gtest/gtest.h>

#include <limits>

#include "support/networks.h"
#include "unit/nn/random_tensors.h"

namespace graftwork::core::testing {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::optional<double> threshold(std::string_view text, const char* node) {
  const Network network = network_of(text);
  return MaskValues(network).threshold(node_named(network.module, node));
}

constexpr const char* kAttention =
    "graph(%s: f32[2, 4, 4], %m: bool[2, 4, 4]) {\n  %f: f32[2, 4, 4] = aten.masked_fill.Scalar(%s, %m) {value=-1e9}\n"
    "  %h = aten.mul.Tensor(%f) {other=0.5}\n  %a = aten.softmax.int(%h) {dim=-1}\n  return %a\n}\n";

TEST(MaskValues, LeadToASoftmax) {
  EXPECT_EQ(threshold(kAttention, "f"), -0.5e9);
  EXPECT_EQ(threshold(kAttention, "h"), -0.5e9);
  EXPECT_EQ(threshold(kAttention, "s"), -kInfinity) << "scores may be large and no mask";
  EXPECT_EQ(threshold(kAttention, "a"), std::nullopt);
}

TEST(MaskValues, AreNoMasksForWhoeverTakesThemForNumbers) {
  const char* text =
      "graph(%s: f32[2, 4], %m: bool[2, 4]) {\n  %f: f32[2, 4] = aten.masked_fill.Scalar(%s, %m) {value=-1e9}\n"
      "  %y = aten.sin.default(%f)\n  %a = aten.softmax.int(%f) {dim=-1}\n  return %y, %a\n}\n";
  EXPECT_EQ(threshold(text, "f"), -kInfinity);
  const Network network = network_of(text);
  EXPECT_FALSE(MaskValues(network).holds_finite_mask(node_named(network.module, "f")));
  EXPECT_FALSE(MaskValues(network).is_absorbed(node_named(network.module, "f")));
}

TEST(MaskValues, AreComputedToo) {
  const char* text =
      "graph(%s: f32[2, 4], %m: f32[2, 4]) {\n  %n: f32[2, 4] = aten.rsub.Scalar(%m) {other=1}\n"
      "  %f = aten.mul.Tensor(%n) {other=-3.4e38}\n  %t = aten.add.Tensor(%s, %f)\n"
      "  %a = aten.softmax.int(%t) {dim=-1}\n  return %a\n}\n";
  EXPECT_EQ(threshold(text, "n"), -kInfinity);
  EXPECT_EQ(threshold(text, "f"), -1.7e38);
  EXPECT_EQ(threshold(text, "t"), -1.7e38);
}

TEST(MaskValues, OfOneCallAreNotThoseOfTheNext) {
  const Network network = network_of(
      "graph(%s: f32[2, 4, 4], %m: bool[2, 4, 4]) {\n"
      "  %f: f32[2, 4, 4] = aten.masked_fill.Scalar(%s, %m) {value=-1e9}\n"
      "  %masked = aten.add.Tensor(%s, %f)\n  %plain = aten.add.Tensor(%s, %s)\n"
      "  %a = aten.softmax.int(%masked) {dim=-1}\n  %b = aten.softmax.int(%plain) {dim=-1}\n  return %a, %b\n}\n");
  // Instances of two calls at the same addresses.
  const Network body = network_of(
      "graph(%q: f32[2, 4, 4], %k: f32[2, 4, 4]) {\n  %sum = aten.add.Tensor(%q, %k)\n"
      "  %w = aten.softmax.int(%sum) {dim=-1}\n  return %w\n}\n");
  MaskValues masks(network);
  masks.look_into(body.module.graph(), node_named(network.module, "masked"));
  EXPECT_TRUE(masks.holds_finite_mask(node_named(body.module, "k")));
  masks.look_into(body.module.graph(), node_named(network.module, "plain"));
  EXPECT_FALSE(masks.holds_finite_mask(node_named(body.module, "k")));
  EXPECT_FALSE(masks.holds_finite_mask(node_named(body.module, "sum")));
}

}  // namespace
}  // namespace graftwork::core::testing
