// A whole .pt2 archive: opened, its constants folded, transformed, lowered to ONNX. Mutations are of what its entries
// hold, by the structure of the JSON (mutate_json.h); some are of the bytes of the file.
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <algorithm>

#include "fuzz/mutate_json.h"
#include "fuzz/packed_zip.h"
#include "fuzz/target.h"
#include "fuzz/torch_setup.h"
#include "graftwork/export/lower.h"
#include "graftwork/import/load.h"
#include "graftwork/nn/torch_failure.h"
#include "graftwork/onnx/write.h"
#include "graftwork/patterns/transform.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace graftwork::core::fuzz {
namespace {

void open_and_lower(const std::filesystem::path& path) {
  const LoadedNetwork loaded = load_network(path);
  Network network = loaded.network.clone();
  network.module = transform(loaded.network.module).model;
  if (loaded.unsupported.empty()) onnx::serialize_model(lower(network, {}));
}

/// No memory is a right answer, as it is to the command.
void open_and_lower_within_memory(const std::filesystem::path& path) {
  try {
    open_and_lower(path);
  } catch (const c10::Error&) {
    if (in_our_words("torch").code() != "memory") throw;
  }
}

bool is_json(const ZipPart& part) { return part.name.ends_with(".json"); }

/// The program, as a rule: most of what is read stands there.
size_t choose_part(const std::vector<ZipPart>& parts, std::minstd_rand& random) {
  const auto program = std::ranges::find_if(parts, [](const ZipPart& part) {
    return part.name.ends_with("models/model.json") || part.name.ends_with("serialized_exported_program.json");
  });
  if (program != parts.end() && random() % 5 != 0) return static_cast<size_t>(program - parts.begin());
  return random() % parts.size();
}

/// `other` is where parts are taken from.
size_t mutate_archive(std::span<uint8_t> room, size_t size, const std::vector<ZipPart>& other, unsigned seed) {
  std::minstd_rand random(seed);
  std::vector<ZipPart> parts = unpacked(room.first(size));
  if (parts.empty() || random() % 20 == 0) return LLVMFuzzerMutate(room.data(), size, room.size());
  ZipPart& part = parts[choose_part(parts, random)];
  const auto counterpart = std::ranges::find_if(other, [&](const ZipPart& candidate) {
    return is_json(candidate) &&
           candidate.name.substr(candidate.name.find('/') + 1) == part.name.substr(part.name.find('/') + 1);
  });
  if (is_json(part) && random() % 10 != 0) {
    part.body = mutate_json(part.body, counterpart == other.end() ? part.body : counterpart->body, random);
  } else {
    std::string grown = part.body;
    grown.resize(part.body.size() + 64);
    grown.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(grown.data()), part.body.size(), grown.size()));
    part.body = std::move(grown);
  }
  const std::string archive = packed(parts);
  if (archive.size() > room.size()) return size;
  std::ranges::copy(archive, room.data());
  return archive.size();
}

}  // namespace
}  // namespace graftwork::core::fuzz

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  graftwork::core::fuzz::set_up_torch();
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  return graftwork::core::fuzz::mutate_archive({data, max_size}, size, {}, seed);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* data, size_t size, const uint8_t* other, size_t other_size,
                                            uint8_t* out, size_t max_size, unsigned seed) {
  using namespace graftwork::core::fuzz;
  if (size > max_size) return 0;
  std::copy_n(data, size, out);
  return mutate_archive({out, max_size}, size, unpacked({other, other_size}), seed);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace graftwork::core::fuzz;
  const c10::NoGradGuard no_gradients;
  const MemoryFile file(data, size);
  answer([&] { open_and_lower_within_memory(file.path()); });
  return 0;
}
