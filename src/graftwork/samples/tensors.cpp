#include "graftwork/samples/tensors.h"

#include <cstring>
#include <utility>

#include "graftwork/data/npy.h"
#include "graftwork/nn/dtypes.h"

namespace graftwork::core {
at::Tensor to_tensor(const Array& array) {
  auto* data = const_cast<std::byte*>(array.bytes.data());  // torch has no read-only tensors; nothing writes to inputs
  return at::from_blob(data, array.shape, [owner = array.owner](void*) {}, at::TensorOptions(to_torch(array.type)));
}

Array to_array(const at::Tensor& tensor) {
  const at::Tensor plain = tensor.detach().cpu().contiguous();
  const std::optional<DType> dtype = from_torch(plain.scalar_type());
  if (!dtype || numpy_name(*dtype).empty()) return to_array(plain.to(at::kFloat));  // NumPy has no name for bf16, FP8
  std::vector<std::byte> bytes(plain.nbytes());
  if (!bytes.empty()) std::memcpy(bytes.data(), plain.const_data_ptr(), bytes.size());
  return make_array(*dtype, plain.sizes().vec(), std::move(bytes));
}

}  // namespace graftwork::core
