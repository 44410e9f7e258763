// One function per file of this folder: the kinds of one family.
#pragma once

#include <vector>

#include "graftwork/ir/kind.h"

namespace graftwork::core {

std::vector<Kind> conv_kinds();
std::vector<Kind> linear_kinds();
std::vector<Kind> norm_kinds();
std::vector<Kind> activation_kinds();
std::vector<Kind> pool_kinds();
std::vector<Kind> shape_kinds();
std::vector<Kind> resize_kinds();
std::vector<Kind> quant_kinds();
std::vector<Kind> operator_kinds();
std::vector<Kind> data_movement_kinds();
std::vector<Kind> product_kinds();

/// An ATen operator.
Kind operator_kind(Symbol name, std::function<Type(const ShapeQuery&)> shape, size_t min_inputs = 1,
                   size_t max_inputs = 1);
/// `axis` from the front; refuses one that is outside the first input.
size_t axis_of(int64_t axis, size_t rank, const ShapeQuery& query);
int64_t integer_or(const ShapeQuery& query, Symbol attr, int64_t fallback);

/// Shape function of modules that keep shape and element type.
Type same_as_input(const ShapeQuery& query);

/// Extent of a window operation: floor((in + padding − dilation·(kernel − 1) − 1) / stride) + 1.
Dim window_extent(const Dim& in, int64_t padding, int64_t dilation, int64_t kernel, int64_t stride);

}  // namespace graftwork::core
