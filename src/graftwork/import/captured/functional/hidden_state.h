// Running statistics: operators that write them without saying so in their schema.
#pragma once

#include <string>
#include <vector>

#include "graftwork/import/captured/program.h"

namespace graftwork::core::captured {

/// Whether the call is a norm in training that updates the running statistics that it is given.
bool writes_statistics(const Call& call);

/// Takes the statistics from such a call, whose results do not depend on them, and returns their names.
std::vector<std::string> take_statistics(Call& call);

/// The same for batch norm in its functional spelling: where nobody reads the new statistics, it goes without.
void take_unread_statistics(Program& program);

}  // namespace graftwork::core::captured
