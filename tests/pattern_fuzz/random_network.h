// Random networks that are full of what the patterns look for, and of what must stop them.
#pragma once

#include <cstdint>
#include <string>

namespace graftwork::core::testing {

/// A network in its printed form, the same for the same seed: `motifs` pieces one on another, each a structure that
/// some pattern finds, in one of its spellings; with second readers of inner values, modules that are called again,
/// dead code.
std::string random_network(uint64_t seed, size_t motifs);

}  // namespace graftwork::core::testing
