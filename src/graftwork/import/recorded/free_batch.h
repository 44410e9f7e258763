// Shapes that code has computed from the number of samples, which a recording sees as numbers.
#pragma once

#include "graftwork/import/captured/program.h"

namespace graftwork::core::recorded {

/// Lets the first extent of what is reshaped follow from the others wherever it stays the same: then nothing but the
/// example says how many samples there are. The program computes what it computed.
void free_batch(captured::Program& program);

}  // namespace graftwork::core::recorded
