// The goldens of this folder, without tensors.
#include "support/golden.h"

#include <gtest/gtest.h>

#include <iostream>

#include "graftwork/base/error.h"

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  try {
    graftwork::core::testing::register_goldens(GRAFTWORK_TEST_DIR "/golden");
  } catch (const graftwork::core::Error& error) {
    std::cerr << error.report() << "\n";
    return 1;
  }
  return RUN_ALL_TESTS();
}
