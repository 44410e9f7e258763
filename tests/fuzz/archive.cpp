// Zip archives, and what of a .pt2 file is read without its graph.
#include "fuzz/target.h"
#include "graftwork/archive/inflate.h"
#include "graftwork/archive/zip_reader.h"
#include "graftwork/import/pt2/archive_layout.h"

namespace graftwork::core::fuzz {
namespace {

constexpr size_t kMostUnpacked = size_t{1} << 20;

void read_entries(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const ZipReader zip(bytes, nullptr, "fuzz.zip");
  for (const ZipEntry& entry : zip.entries()) {
    demand(entry.packed.data() >= bytes.data() && entry.packed.size() <= bytes.size() &&
           entry.packed.data() + entry.packed.size() <= bytes.data() + bytes.size());
    demand(zip.find(entry.name) == &entry);
    answer([&] { zip.entry(entry.name); });
    answer([&] { demand(inflate(zip, entry.name, kMostUnpacked).size() <= kMostUnpacked); });
  }
}

void read_layout(const uint8_t* data, size_t size) {
  const MemoryFile file(data, size);
  const pt2::Pt2Archive archive = pt2::Pt2Archive::open(file.path());
  answer([&] { archive.record("weight_0", false); });
}

}  // namespace
}  // namespace graftwork::core::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace graftwork::core::fuzz;
  answer([&] { read_entries(data, size); });
  answer([&] { read_layout(data, size); });
  return 0;
}
