// NumPy's .npy arrays. What is read must be written back to the same array.
#include "graftwork/data/npy.h"

#include "fuzz/target.h"

namespace graftwork::core::fuzz {
namespace {

void read_array(std::span<const std::byte> bytes) {
  const Array array = read_npy(bytes, nullptr);
  const std::string written = write_npy_bytes(array);
  const Array again = read_npy(std::as_bytes(std::span(written)), nullptr);
  demand(again.type == array.type && again.shape == array.shape);
  demand(std::equal(again.bytes.begin(), again.bytes.end(), array.bytes.begin(), array.bytes.end()));
}

}  // namespace
}  // namespace graftwork::core::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace graftwork::core::fuzz;
  answer([&] { read_array(std::as_bytes(std::span(data, size))); });
  return 0;
}
