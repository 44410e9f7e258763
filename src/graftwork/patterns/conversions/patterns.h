// Conversions of any engine that need more than text says, one maker per file of this folder.
#pragma once

#include <memory>

#include "graftwork/rewrite/pattern.h"

namespace graftwork::core {

std::shared_ptr<const Pattern> make_linear_bias_pattern();

}  // namespace graftwork::core
