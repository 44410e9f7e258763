#include "graftwork/samples/tensors.h"

#include <array>
#include <cstring>
#include <utility>

namespace graftwork {
namespace {

constexpr std::array<std::pair<ArrayType, at::ScalarType>, 9> kTypes{{{ArrayType::kF16, at::kHalf},
                                                                      {ArrayType::kF32, at::kFloat},
                                                                      {ArrayType::kF64, at::kDouble},
                                                                      {ArrayType::kI8, at::kChar},
                                                                      {ArrayType::kI16, at::kShort},
                                                                      {ArrayType::kI32, at::kInt},
                                                                      {ArrayType::kI64, at::kLong},
                                                                      {ArrayType::kU8, at::kByte},
                                                                      {ArrayType::kBool, at::kBool}}};

at::ScalarType scalar_type(ArrayType type) {
  for (const auto& [array_type, torch_type] : kTypes) {
    if (array_type == type) return torch_type;
  }
  return at::kFloat;
}

}  // namespace

at::Tensor to_tensor(const Array& array) {
  auto* data = const_cast<std::byte*>(array.bytes.data());  // torch has no read-only tensors; nothing writes to inputs
  return at::from_blob(data, array.shape, [owner = array.owner](void*) {}, at::TensorOptions(scalar_type(array.type)));
}

Array to_array(const at::Tensor& tensor) {
  const at::Tensor plain = tensor.detach().cpu().contiguous();
  for (const auto& [array_type, torch_type] : kTypes) {
    if (torch_type != plain.scalar_type()) continue;
    std::vector<std::byte> bytes(plain.nbytes());
    if (!bytes.empty()) std::memcpy(bytes.data(), plain.const_data_ptr(), bytes.size());
    return make_array(array_type, plain.sizes().vec(), std::move(bytes));
  }
  return to_array(plain.to(at::kFloat));  // bf16, FP8: NumPy has no name for them
}

}  // namespace graftwork
