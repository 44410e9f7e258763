// Which lists are used, and what is said when that is not clear.
#include "graftwork/patterns/backend.h"

#include <gtest/gtest.h>

#include "graftwork/base/error.h"
#include "graftwork/patterns/transform.h"
#include "support/networks.h"

namespace graftwork::core {
namespace {

std::string code_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.code();
  }
  return "none";
}

Backend small() {
  PatternList fusions = tensorrt_fusions();
  std::erase_if(fusions, [](const auto& pattern) { return pattern->name() != "LinearPattern"; });
  Backend backend;
  backend.name = "small";
  backend.kinds = tensorrt_backend().kinds;
  backend.fusions = std::move(fusions);
  return backend;
}

/// Leaves the process as it was.
class Backends : public ::testing::Test {
 protected:
  void TearDown() override { reset_backends(); }
};

TEST_F(Backends, TheOnlyOneIsChosenByItself) {
  EXPECT_EQ(discover_backends(), (std::vector<std::string>{"tensorrt"}));
  EXPECT_EQ(get_backend()->name, "tensorrt");
  EXPECT_EQ(get_backend()->precisions, (std::vector<std::string>{"int8", "fp8", "int4"}));
}

TEST_F(Backends, OfSeveralOneMustBeChosen) {
  backends().add(small());
  EXPECT_EQ(discover_backends(), (std::vector<std::string>{"small", "tensorrt"}));
  EXPECT_EQ(code_of([] { get_backend(); }), "backend.choice");
  EXPECT_EQ(code_of([] { active_patterns(); }), "backend.choice");
  set_backend("small");
  EXPECT_EQ(get_backend()->name, "small");
  reset_backends();
  EXPECT_EQ(get_backend()->name, "tensorrt");
  EXPECT_EQ(discover_backends().size(), 1u);
}

TEST_F(Backends, WhatDoesNotExistIsRefused) {
  EXPECT_EQ(code_of([] { set_backend("tensorrt2"); }), "backend.unknown");
  try {
    set_backend("none");
    FAIL() << "it was chosen";
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "there is no backend \"none\"");
    EXPECT_EQ(error.hint(), "one of: tensorrt");
  }
  EXPECT_EQ(get_backend()->name, "tensorrt") << "the choice is what it was";
  EXPECT_EQ(code_of([] { backends().add(tensorrt_backend()); }), "backend.name");
  EXPECT_EQ(code_of([] { backends().add(Backend()); }), "backend.name");
  const BackendRegistry empty;
  EXPECT_EQ(code_of([&] { empty.get(); }), "backend.none");
  EXPECT_TRUE(empty.names().empty());
}

TEST_F(Backends, TransformTakesTheListsOfTheChosenOne) {
  const GraphModule module = testing::parse_network(
      "graph(%x: f32[2, 8]) {\n  %y = nn.Linear @fc(%x) {in_features=8, out_features=4}\n  %a = nn.ReLU "
      "@r(%y)\n  return %a\n}\n");
  EXPECT_EQ(transform(module).report.counts().count("LinearActPattern"), 1u);
  backends().add(small());
  set_backend("small");
  EXPECT_EQ(transform(module).report.counts(), (std::map<std::string, size_t>{{"LinearPattern", 1}}));
  EXPECT_EQ(get_transformation_plan(module).match("y", "LinearPattern").pattern, Symbol("LinearPattern"));
}

TEST(Lists, TensorrtPatternsAreItsConversionsAndFusions) {
  EXPECT_EQ(tensorrt_patterns().size(), tensorrt_conversions().size() + tensorrt_fusions().size());
  EXPECT_EQ(tensorrt_patterns().front()->name(), tensorrt_conversions().front()->name());
  EXPECT_EQ(tensorrt_patterns().back()->name(), tensorrt_fusions().back()->name());
}

}  // namespace
}  // namespace graftwork::core
