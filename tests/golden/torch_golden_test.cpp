// The goldens of this folder with tensors: a changed network must compute what it did before.
#include <gtest/gtest.h>

#include <iostream>

#include "graftwork/base/error.h"
#include "support/golden.h"
#include "support/same_numbers.h"

namespace graftwork::core::testing {

static const NumericCheck same_numbers = [](const GraphModule& before, const GraphModule& after, double tolerance,
                                            uint64_t seed) {
  return different_numbers(before, after, random_parameters(before), tolerance, seed);
};

}  // namespace graftwork::core::testing

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  try {
    graftwork::core::testing::register_goldens(GRAFTWORK_TEST_DIR "/golden", graftwork::core::testing::same_numbers);
  } catch (const graftwork::core::Error& error) {
    std::cerr << error.report() << "\n";
    return 1;
  }
  return RUN_ALL_TESTS();
}
