// One maker per file of this folder.
#pragma once

#include <memory>

#include "graftwork/patterns/placement/smoothing_pattern.h"

namespace graftwork::core {

std::shared_ptr<const SmoothingPattern> make_norm_smoothing_pattern();
std::shared_ptr<const SmoothingPattern> make_attention_smoothing_pattern();

}  // namespace graftwork::core
