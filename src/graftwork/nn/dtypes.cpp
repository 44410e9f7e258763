#include "graftwork/nn/dtypes.h"

#include <array>
#include <utility>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

constexpr std::array<std::pair<DType, at::ScalarType>, 11> kPairs{{{DType::kBool, at::kBool},
                                                                   {DType::kU8, at::kByte},
                                                                   {DType::kI8, at::kChar},
                                                                   {DType::kI16, at::kShort},
                                                                   {DType::kI32, at::kInt},
                                                                   {DType::kI64, at::kLong},
                                                                   {DType::kF8E4M3, at::kFloat8_e4m3fn},
                                                                   {DType::kF16, at::kHalf},
                                                                   {DType::kBF16, at::kBFloat16},
                                                                   {DType::kF32, at::kFloat},
                                                                   {DType::kF64, at::kDouble}}};

}  // namespace

at::ScalarType to_torch(DType dtype) { return kPairs[static_cast<size_t>(dtype)].second; }

std::optional<DType> from_torch(at::ScalarType type) {
  for (const auto& [dtype, torch_type] : kPairs) {
    if (torch_type == type) return dtype;
  }
  return std::nullopt;
}

TensorType type_of(const at::Tensor& tensor) {
  const auto dtype = from_torch(tensor.scalar_type());
  if (!dtype)
    throw Error("nn.dtype", cat("tensors of type ", c10::toString(tensor.scalar_type()), " are not supported"));
  TensorType type{*dtype, {}};
  for (const int64_t extent : tensor.sizes()) type.dims.emplace_back(extent);
  return type;
}

}  // namespace graftwork::core
