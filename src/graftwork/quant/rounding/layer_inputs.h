// What layers read.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "graftwork/nn/program.h"

namespace graftwork::core {

/// Where the inputs of a layer come from: the values that it reads, one for each call.
using LayerInputs = std::vector<ValueRef>;

/// What any of the layers reads, each value once.
std::vector<ValueRef> values_of(const std::vector<LayerInputs>& layers);

/// Throws Error "data.value" where a layer would read NaN or infinity on the samples `begin` … `end` − 1.
void check_finite(const ValueRef& seen, const at::Tensor& value, int64_t begin, int64_t end);

}  // namespace graftwork::core
