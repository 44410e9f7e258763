// What a network only does while it is trained.
#pragma once

#include <string>
#include <vector>

#include "graftwork/import/captured/program.h"

namespace graftwork::core::captured {

/// Whether the call is a dropout that drops.
bool drops_at_random(const Call& call);

/// The layers whose calls show that the network was captured in training mode, each once, in order: norms that keep
/// running statistics and compute with those of the batch, and dropout that drops. To be asked before norms are taken
/// apart.
std::vector<std::string> layers_in_training(const Program& program);

}  // namespace graftwork::core::captured
