// What the targets that run torch have in common.
#pragma once

namespace graftwork::core::fuzz {

/// One thread, so that an input does the same each time, and no warnings, of which there would be millions.
void set_up_torch();

}  // namespace graftwork::core::fuzz
