// How much a test's thread allocates. Whoever links counted_allocations.cpp has its operator new.
#pragma once

#include <cstddef>

namespace graftwork::core::testing {

struct Allocations {
  size_t count = 0;
  size_t bytes = 0;
};

/// Of this thread, since it began.
const Allocations& allocations();

}  // namespace graftwork::core::testing
