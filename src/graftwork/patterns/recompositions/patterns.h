// One maker per file of this folder.
#pragma once

#include <memory>

#include "graftwork/rewrite/pattern.h"

namespace graftwork {

std::shared_ptr<const Pattern> make_raise_conv_pattern();
std::shared_ptr<const Pattern> make_raise_linear_pattern();
std::shared_ptr<const Pattern> make_raise_addmm_pattern();
std::shared_ptr<const Pattern> make_raise_batch_norm_pattern();
std::shared_ptr<const Pattern> make_raise_decomposed_batch_norm_pattern();
std::shared_ptr<const Pattern> make_raise_activation_pattern();
std::shared_ptr<const Pattern> make_raise_max_pool_pattern();
std::shared_ptr<const Pattern> make_raise_decomposed_max_pool_pattern();
std::shared_ptr<const Pattern> make_raise_avg_pool_pattern();
std::shared_ptr<const Pattern> make_raise_adaptive_avg_pool_pattern();
std::shared_ptr<const Pattern> make_raise_mean_pattern();
std::shared_ptr<const Pattern> make_raise_add_pattern();
std::shared_ptr<const Pattern> make_raise_flatten_pattern();
std::shared_ptr<const Pattern> make_raise_dropout_pattern();

}  // namespace graftwork
