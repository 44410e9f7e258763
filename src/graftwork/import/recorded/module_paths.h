// Where the calls of a recorded program stand in the model.
#pragma once

#include <string>
#include <unordered_set>

#include "graftwork/import/captured/program.h"

namespace graftwork::core::recorded {

/// Gives each call that has none a provenance, by the names of the stored tensors. What a layer reads,
/// "layer1.0.conv1.weight", is the module that it is the body of; a call that reads stored tensors otherwise stands in
/// the innermost module that has them all. A call that reads none stands in the innermost module around the nearest
/// ones in front of it and behind it that do. `constants` are stored tensors, by the names of their values, that no
/// module has.
void assign_modules(captured::Program& program, const std::unordered_set<std::string>& constants);

}  // namespace graftwork::core::recorded
