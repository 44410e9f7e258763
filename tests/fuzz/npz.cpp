// NumPy's .npz files: arrays in an archive, stored or compressed.
#include "graftwork/data/npz.h"

#include "fuzz/target.h"

namespace graftwork::core::fuzz {
namespace {

void read_arrays(const std::filesystem::path& path) {
  const NpzReader reader(path);
  for (const NpzReader::Entry& entry : reader.entries()) {
    answer([&] {
      const Array array = reader.read(entry);
      demand(array.shape == entry.header.shape && array.bytes.size() == entry.header.data_size);
    });
  }
}

}  // namespace
}  // namespace graftwork::core::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace graftwork::core::fuzz;
  const MemoryFile file(data, size);
  answer([&] { read_arrays(file.path()); });
  return 0;
}
