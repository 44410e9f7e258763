// Operators whose results a recording cannot follow: what they give is fixed as it was, or is never the same.
#pragma once

#include <ATen/core/function_schema.h>

#include <string>

#include "graftwork/import/captured/program.h"

namespace graftwork::core::recorded {

/// Whether it draws random numbers, other ones every time.
bool draws_at_random(const captured::Call& call, const c10::FunctionSchema& schema);

/// Why what the call gives is fixed, or another thing every time; empty where neither is so. `depends`: whether it
/// reads what depends on the network's inputs; `gives_number`: whether its results are no tensors.
std::string why_fixed(const captured::Call& call, const c10::FunctionSchema& schema,
                      const captured::NameMap<captured::TensorMeta>& tensors, bool depends, bool gives_number);

}  // namespace graftwork::core::recorded
