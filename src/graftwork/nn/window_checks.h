// What kernels that go by windows take for granted of their arguments (argument_checks.h).
#pragma once

#include <ATen/core/IListRef.h>
#include <ATen/core/stack.h>

#include "graftwork/base/outcome.h"

namespace graftwork::core {

/// Windows of pools: one number, or one for each spatial dimension. Empty strides are the kernel's sizes, and empty
/// dilations 1. Declines what wraps in 64 bits, and windows far larger than the padded input.
Outcome check_windows(const at::Tensor& input, at::IntArrayRef kernel, at::IntArrayRef stride, at::IntArrayRef padding,
                      at::IntArrayRef dilation);

/// input, kernel, stride, padding.
Outcome check_average_pool(const torch::jit::Stack& arguments);
/// The same, and dilation.
Outcome check_greatest_pool(const torch::jit::Stack& arguments);

/// input, the sizes of the result, one for each spatial dimension.
Outcome check_adaptive_pool_1d(const torch::jit::Stack& arguments);
Outcome check_adaptive_pool_2d(const torch::jit::Stack& arguments);
Outcome check_adaptive_pool_3d(const torch::jit::Stack& arguments);

/// input, sizes of the picture, kernel, dilation, padding, stride.
Outcome check_columns_to_picture(const torch::jit::Stack& arguments);
/// The same without the sizes.
Outcome check_picture_to_columns(const torch::jit::Stack& arguments);

}  // namespace graftwork::core
