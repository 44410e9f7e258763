// What quantized numbers are stored as.
#pragma once

#include <ATen/ATen.h>

#include "graftwork/nn/tensor_store.h"

namespace graftwork::core {

enum class CodeType : uint8_t { kInt8, kInt4, kE4m3 };

/// That of a QuantStub. Throws Error "export.precision" for a precision that TensorRT lacks, "export.zero_point".
CodeType activation_code_type(const ModuleRecord& stub, const TensorStore& tensors);
/// The same of a WeightFakeQuantize.
CodeType weight_code_type(const ModuleRecord& fake_quantize, const TensorStore& tensors);

/// The codes as their type, those of INT4 as INT8.
at::Tensor as_codes(const at::Tensor& codes, CodeType type);

/// Two a byte, the first in the low half; of an odd count the last half is 0. `codes`: INT8, −8 to 7.
at::Tensor packed_int4(const at::Tensor& codes);

/// A weight as it is stored.
struct WeightCodes {
  at::Tensor codes;   ///< Whole numbers, or those of E4M3, as floats.
  at::Tensor scales;  ///< 0-D, 1-D along `axis`, or of the codes' rank with `block_size` codes along `axis` to one.
  int64_t axis = 0;
  CodeType type = CodeType::kInt8;
  int64_t block_size = 0;
};

}  // namespace graftwork::core
