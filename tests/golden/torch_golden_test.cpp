// The goldens of this folder with tensors: a changed network must compute what it did before.
#include <gtest/gtest.h>

#include <iostream>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "support/golden.h"
#include "unit/nn/random_tensors.h"

namespace graftwork::testing {
namespace {

std::vector<at::Tensor> results_of(const GraphModule& module, uint64_t seed) {
  const at::NoGradGuard no_grad;
  return Executor(module).run(random_parameters(module), random_inputs(module, seed));
}

std::optional<std::string> compare(const GraphModule& before, const GraphModule& after, double tolerance,
                                   uint64_t seed) {
  try {
    const std::vector<at::Tensor> expected = results_of(before, seed);
    const std::vector<at::Tensor> got = results_of(after, seed);
    if (got.size() != expected.size()) return cat(got.size(), " results, not ", expected.size());
    for (size_t i = 0; i < got.size(); ++i) {
      const double difference = relative_difference(got[i], expected[i]);
      if (!(difference <= tolerance))
        return cat("result ", i, " differs by ", difference, ", relative to its largest value");
    }
    return std::nullopt;
  } catch (const Error& error) {
    return error.report();
  }
}

}  // namespace

static const NumericCheck same_numbers = compare;

}  // namespace graftwork::testing

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  try {
    graftwork::testing::register_goldens(GRAFTWORK_TEST_DIR "/golden", graftwork::testing::same_numbers);
  } catch (const graftwork::Error& error) {
    std::cerr << error.report() << "\n";
    return 1;
  }
  return RUN_ALL_TESTS();
}
