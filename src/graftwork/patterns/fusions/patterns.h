// One maker per file of this folder.
#pragma once

#include <memory>

#include "graftwork/rewrite/pattern.h"

namespace graftwork {

std::shared_ptr<const Pattern> make_stem_conv_bn_act_max_pool_pattern();
std::shared_ptr<const Pattern> make_conv_bn_add_act_pattern();
std::shared_ptr<const Pattern> make_conv_bn_add_pattern();
std::shared_ptr<const Pattern> make_conv_bn_act_pattern();
std::shared_ptr<const Pattern> make_conv_bn_pattern();
std::shared_ptr<const Pattern> make_linear_act_pattern();
std::shared_ptr<const Pattern> make_linear_pattern();
std::shared_ptr<const Pattern> make_act_add_pattern();
std::shared_ptr<const Pattern> make_adaptive_avg_pool_pattern();

}  // namespace graftwork
