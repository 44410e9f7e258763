// Conversions that raise attention, by what they make; one file each.
#pragma once

#include <memory>
#include <string>

#include "graftwork/rewrite/pattern.h"

namespace graftwork::core {

/// Products and a softmax between → ScaledDotProductAttention.
std::shared_ptr<const Pattern> make_sdpa_pattern();

/// The layers that queries, keys and values come from → MHAInProjection, MHACrossProjection.
std::shared_ptr<const Pattern> make_decompose_multihead_attention_pattern();

/// Attention over windows of a map → SwinWindowPartition, SwinAttention, SwinWindowReverse.
std::shared_ptr<const Pattern> make_decompose_swin_attention_pattern();

/// Three parts of one layer, read otherwise than by attention → MHAInProjection.
std::shared_ptr<const Pattern> make_packed_projection_pattern();

/// ScaledDotProductAttention whose keys and values have different widths → the same with zeros beside the narrower.
std::shared_ptr<const Pattern> make_equal_heads_pattern();

/// ScaledDotProductAttention of a single head of a single sample → of two heads, with half of the queries each.
std::shared_ptr<const Pattern> make_split_single_head_pattern();

/// The fusion `name`: a module of the kind `converted` becomes the kernel `kernel`, whose body is the same.
std::shared_ptr<const Pattern> make_kernel_of_pattern(std::string name, Symbol converted, Symbol kernel);

}  // namespace graftwork::core
