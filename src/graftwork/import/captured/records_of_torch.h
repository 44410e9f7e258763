// Values of torch as the records of a captured program.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/function_schema.h>

#include <functional>

#include "graftwork/import/captured/program.h"

namespace graftwork::core::captured {

/// "aten.conv2d.default".
Symbol operator_of(const c10::FunctionSchema& schema);

ElementType element_type_of(at::ScalarType type);

/// Type, extents and, where there are any, strides.
TensorMeta meta_of(const at::Tensor& tensor);

/// Whether the value is what the argument is when it is not given.
bool is_default(const c10::Argument& argument, const c10::IValue& value);

/// What a call says of a value that the schema declares as `type`. Tensors are what `tensor` says, undefined ones None;
/// what has no form in a program is Unsupported.
Argument record_of(const c10::IValue& value, const c10::TypePtr& type,
                   const std::function<Argument(const at::Tensor&)>& tensor);

/// The only element of a tensor on the CPU.
Argument number_in(const at::Tensor& tensor);

}  // namespace graftwork::core::captured
