// What torch throws is told in our words.
#include "graftwork/nn/torch_failure.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <functional>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace dnnl {
/// As oneDNN's is for whoever catches it.
struct error : std::exception {
  const char* what() const noexcept override { return "could not create it. Run workload with environment variable X"; }
};
}  // namespace dnnl

namespace graftwork::core {
namespace {

/// "code: message" of what `work` throws.
std::string told(const std::function<void()>& work) {
  try {
    work();
  } catch (...) {
    const Error error = in_our_words("nn.run");
    return error.code() + ": " + error.message();
  }
  return "nothing was thrown";
}

TEST(TorchFailure, TorchsOwnAreTold) {
  const at::Tensor x = at::ones({2, 3});
  EXPECT_EQ(told([&] { x.clone().fill_(1e300); }), "nn.run: a number does not fit float");
  EXPECT_EQ(told([&] { x.to(at::kChar).fill_(3000); }), "nn.run: a number does not fit int8_t");
  EXPECT_EQ(told([&] { at::empty({int64_t{1} << 62, 8}); }),
            "nn.run: a tensor of it would have more bytes than can be counted");
  EXPECT_EQ(told([&] { at::empty({int64_t{1} << 50}); }), "memory: there is not enough memory");
  EXPECT_EQ(told([] { TORCH_INTERNAL_ASSERT(false, "odd"); }),
            "nn.run: torch cannot compute it: a check in its own code failed");
  EXPECT_EQ(told([&] { x.select(5, 0); }).substr(0, 28), "nn.run: Dimension out of ran");
  EXPECT_EQ(told([&] { at::matmul(x, x); }).find("Exception raised"), std::string::npos);
}

TEST(TorchFailure, ThoseOfTheStandardLibraryAreTold) {
  const std::string range = "nn.run: torch cannot compute it: an index or a size is out of range";
  EXPECT_EQ(told([] { std::ignore = std::vector<int>{}.at(3); }), range);
  EXPECT_EQ(told([] { std::vector<int64_t>().reserve(SIZE_MAX); }), range);
  EXPECT_EQ(told([] { std::ignore = std::optional<int>{}.value(); }), range);
  EXPECT_EQ(told([] { throw std::runtime_error("vector::_M_range_check"); }), range);
  EXPECT_EQ(told([] { throw std::runtime_error("too dark"); }), "nn.run: too dark");
  EXPECT_EQ(told([] { throw std::bad_alloc(); }), "memory: there is not enough memory");
}

TEST(TorchFailure, ThoseOfOneDnnAreTold) {
  EXPECT_EQ(told([] { throw dnnl::error(); }), "nn.run: could not create it");
}

TEST(TorchFailure, WhatIsNoneOfThemPasses) {
  const auto told_of = [](auto thrown) { return told([&] { throw thrown; }); };
  struct Foreign : std::exception {};
  EXPECT_THROW(told_of(Error("file.missing", "none")), Error);
  EXPECT_THROW(told_of(InternalError("defect")), InternalError);
  EXPECT_THROW(told_of(Foreign()), Foreign);
  EXPECT_THROW(told_of(3), int);
}

}  // namespace
}  // namespace graftwork::core
