// What FP16 makes of numbers.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/ivalue.h>

#include <optional>

#include "graftwork/ir/graph.h"

namespace graftwork::core {

inline constexpr double kLargestHalf = 65504;

/// The nearest numbers of FP16, in the tensor's own type; what is no FP32 tensor, nor a tuple of some, stays as it is.
at::Tensor rounded_to_half(const at::Tensor& tensor);
c10::IValue rounded_to_half(const c10::IValue& value);

/// The same for constants: finite numbers stay finite, as masks and bounds do in a file.
at::Tensor constant_in_half(const at::Tensor& tensor);
/// Attributes with every number that a file stores as a float (`other`, `value`, `min`, ...) as such a constant.
AttrMap constants_in_half(const AttrMap& attrs);

/// Whether the attribute of this name is such a number.
bool is_float_number(Symbol attribute);

/// An attribute's number, whole or not; nothing where it is none.
std::optional<double> number_in(const Attribute& attribute);

/// Whether the node only bounds a value: of bounds beyond FP16 its ends serve as well.
bool is_clamp(const Node& node);

/// Signal over noise where `value` stands for `exact`, in dB; infinite where they are equal, minus infinite where a
/// finite number has become none. Computed in double precision.
double half_quality(const at::Tensor& exact, const at::Tensor& value);

}  // namespace graftwork::core
