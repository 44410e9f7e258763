// One maker per file of this folder.
#pragma once

#include <memory>

#include "graftwork/rewrite/pattern.h"

namespace graftwork {

std::shared_ptr<const Pattern> make_remove_assert_pattern();
std::shared_ptr<const Pattern> make_remove_identity_pattern();
std::shared_ptr<const Pattern> make_remove_identity_adaptive_avg_pool_pattern();
std::shared_ptr<const Pattern> make_flatten_linear_to_conv1x1_pattern();

}  // namespace graftwork
