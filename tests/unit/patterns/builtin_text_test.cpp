// Each built-in fusion and conversion, written as text, makes the same networks of the goldens as in C++.
#include <gtest/gtest.h>

#include "graftwork/base/file.h"
#include "graftwork/ir/isomorphism.h"
#include "graftwork/ir/text/parse.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/ir/verify.h"
#include "graftwork/patterns/text/parse.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/rewrite/rewriter.h"
#include "support/golden_file.h"

namespace graftwork {
namespace {

PatternList named(PatternList list, std::initializer_list<std::string_view> names) {
  std::erase_if(
      list, [&](const auto& pattern) { return std::find(names.begin(), names.end(), pattern->name()) == names.end(); });
  return list;
}

PatternSections text_patterns() { return read_patterns(GRAFTWORK_TEST_DIR "/unit/patterns/builtin.gpat"); }

/// Runs both lists over every case of the golden file; returns how many grafts there were.
size_t expect_same(const std::string& golden, const PatternList& text, const PatternList& builtin, bool to_fixpoint) {
  EXPECT_FALSE(text.empty());
  EXPECT_FALSE(builtin.empty());
  const auto run = [&](const PatternList& list, GraphModule& module) {
    return to_fixpoint ? Rewriter(list).run_to_fixpoint(module) : Rewriter(list).run_once(module);
  };
  size_t grafts = 0;
  for (const testing::GoldenCase& one : testing::read_golden(GRAFTWORK_TEST_DIR "/golden/" + golden).cases) {
    const ::testing::ScopedTrace trace(golden.c_str(), static_cast<int>(one.line), one.name);
    GraphModule expected = parse(one.input), found = parse(one.input);
    const Report wanted = run(builtin, expected), got = run(text, found);
    verify(found);
    EXPECT_EQ(difference(found, expected), std::nullopt);
    EXPECT_EQ(print(found), print(expected));
    EXPECT_EQ(got.applied.size(), wanted.applied.size());
    grafts += got.applied.size();
  }
  return grafts;
}

TEST(BuiltinText, EachFusionMakesTheSameNetworks) {
  const std::pair<const char*, const char*> fusions[] = {{"stem_conv_bn_act_max_pool", "StemConvBNActMaxPoolPattern"},
                                                         {"conv_bn_add_act", "ConvBNAddActPattern"},
                                                         {"conv_bn_act", "ConvBNActPattern"},
                                                         {"conv_bn_add", "ConvBNAddPattern"},
                                                         {"conv_bn", "ConvBNPattern"},
                                                         {"linear_act", "LinearActPattern"},
                                                         {"linear", "LinearPattern"},
                                                         {"act_add", "ActAddPattern"},
                                                         {"adaptive_avg_pool", "AdaptiveAvgPoolPattern"}};
  for (const auto& [file, name] : fusions) {
    const size_t grafts = expect_same(std::string("fusions/") + file + ".gir", named(text_patterns().fusions, {name}),
                                      named(tensorrt_fusions(), {name}), false);
    EXPECT_GT(grafts, 0u) << name;
  }
}

TEST(BuiltinText, EachConversionMakesTheSameNetworks) {
  const std::pair<const char*, const char*> conversions[] = {
      {"remove_assert", "RemoveAssertPattern"},
      {"remove_identity", "RemoveIdentityPattern"},
      {"remove_identity_adaptive_avg_pool", "RemoveIdentityAdaptiveAvgPoolPattern"},
      {"flatten_linear_to_conv1x1", "FlattenLinearToConv1x1Pattern"}};
  for (const auto& [file, name] : conversions) {
    // The removal of identities is two patterns as text: one is always the identity, one where the type stays.
    const bool is_identity = std::string_view(file) == "remove_identity";
    const PatternList text =
        named(text_patterns().conversions, {name, is_identity ? "RemoveCastToTheSamePattern" : ""});
    const size_t grafts =
        expect_same(std::string("conversions/") + file + ".gir", text, named(tensorrt_conversions(), {name}), true);
    EXPECT_GT(grafts, 0u) << name;
  }
}

TEST(BuiltinText, AllTogetherFuseWholeNetworksTheSame) {
  const size_t fused = expect_same("fusions/fusions.gir", text_patterns().fusions, tensorrt_fusions(), false);
  EXPECT_GT(fused, 0u);
  const PatternSections text = text_patterns();
  for (const char* golden : {"residual_cnn", "mobile_block", "vgg_classifier"}) {
    for (const testing::GoldenCase& one :
         testing::read_golden(std::string(GRAFTWORK_TEST_DIR "/golden/transform/") + golden + ".gir").cases) {
      const GraphModule module = parse(one.input);
      EXPECT_EQ(print(transform(module, {recompositions(), text.conversions, text.fusions}).model),
                print(transform(module, {recompositions(), tensorrt_conversions(), tensorrt_fusions()}).model))
          << golden << ": " << one.name;
    }
  }
}

}  // namespace
}  // namespace graftwork
