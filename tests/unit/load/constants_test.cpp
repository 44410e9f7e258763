#include "graftwork/import/common/constants.h"

#include <gtest/gtest.h>

namespace graftwork::core::testing {
namespace {

class ConstantsTest : public ::testing::Test {
 protected:
  Constant stored(const std::string& name, bool trainable) {
    tensors_.set(Symbol(name), at::full({2, 3}, 2, at::kFloat));
    return {.value = tensors_.leaf(Symbol(name)), .trainable = trainable};
  }

  GraphModule module_;
  TensorStore tensors_;
  UniqueNames names_;
  Constants constants_{module_, tensors_, names_, 0};
};

TEST_F(ConstantsTest, ViewsStayExpressionsOfWhatTheyShow) {
  const Constant weight = stored("w", true);
  const auto turned = constants_.fold("aten.t.default", {&weight}, {}, {"turned"});
  ASSERT_TRUE(turned);
  ASSERT_EQ(turned->size(), 1u);
  EXPECT_TRUE(turned->front().trainable);
  EXPECT_EQ(turned->front().value.leaves(), std::vector<Symbol>{"w"});
}

TEST_F(ConstantsTest, OnlyWhatTrainingLeavesAloneIsComputedAtOnce) {
  const Constant weight = stored("w", true);
  const Constant buffer = stored("b", false);
  const auto live = constants_.fold("aten.neg.default", {&weight}, {}, {"live"});
  ASSERT_TRUE(live);
  EXPECT_TRUE(live->front().trainable);
  EXPECT_EQ(live->front().value.leaves(), std::vector<Symbol>{"w"});
  EXPECT_FALSE(tensors_.contains("folded.live"));
  const auto negative = constants_.fold("aten.neg.default", {&buffer}, {}, {"negative"});
  ASSERT_TRUE(negative);
  EXPECT_EQ(negative->front().value.leaves(), std::vector<Symbol>{"folded.negative"});
  EXPECT_TRUE(at::equal(evaluate(negative->front().value, tensors_), at::full({2, 3}, -2, at::kFloat)));
}

TEST_F(ConstantsTest, EqualConstantsShareANode) {
  const Constant weight = stored("layer.w", true);
  const Constant same = stored("layer.w", false);
  const Constant other = stored("layer_w", false);
  Node& node = constants_.node(weight);
  EXPECT_EQ(&constants_.node(same), &node);
  EXPECT_EQ(node.name().str(), "layer_w");
  EXPECT_EQ(constants_.node(other).name().str(), "layer_w_1");
}

}  // namespace
}  // namespace graftwork::core::testing
