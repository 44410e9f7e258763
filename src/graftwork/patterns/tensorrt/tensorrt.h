// NVIDIA TensorRT 10 and 11: all that Graftwork knows of it stands in this folder.
#pragma once

#include "graftwork/patterns/backend.h"

namespace graftwork::core {

/// The backend "tensorrt". Its text is parsed at the first call. Throws Error "gpat.syntax" when that is not in order.
const Backend& tensorrt_backend();

/// TENSORRT_CONVERSIONS: structures that TensorRT does not understand, run to a fix-point.
const PatternList& tensorrt_conversions();
/// TENSORRT_FUSIONS: what TensorRT runs as one kernel, run once.
const PatternList& tensorrt_fusions();
/// TENSORRT_PATTERNS: the conversions, then the fusions.
PatternList tensorrt_patterns();

/// Why TensorRT has no INT8 kernel for a convolution, or that it has one. Rule F13: not for a transposed one. Rule S1:
/// in a grouped convolution both in/groups and out/groups must be multiples of 4, true depthwise (groups = in)
/// excepted. Any module that is no convolution passes.
Outcome int8_kernel_exists(const ModuleRecord& module);

/// Why TensorRT has no FP8 kernel for a layer, or that it has one. Rule W23: not for convolutions in groups, of more
/// than 32 taps, or of 16 input or output channels and fewer. Any layer that is no convolution passes.
Outcome fp8_kernel_exists(const ModuleRecord& layer);

}  // namespace graftwork::core
