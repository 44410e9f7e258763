// Writes one of two versions of a file through each of our writers, once or until it is killed.
//
//     graftwork_writer KIND PATH VERSION     KIND: onnx, onnx-data (weights outside), npz, text
//
// VERSION 0 or 1 writes that one and ends; "forever" writes them in turn.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "graftwork/base/atomic_file.h"
#include "graftwork/data/npz.h"
#include "graftwork/onnx/write.h"

namespace graftwork::core {
namespace {

/// Some megabytes, so that being killed in the middle of them is likely, of another length in each version.
std::vector<std::byte> payload(int version) {
  std::vector<std::byte> bytes(4'000'000 + static_cast<size_t>(version) * 300'000);
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(i * 7 + i / 251 + static_cast<size_t>(version));
  return bytes;
}

onnx::Model model(int version) {
  const auto weights = std::make_shared<const std::vector<std::byte>>(payload(version));
  const auto size = static_cast<int64_t>(weights->size());
  onnx::Model made;
  made.graph.name = "version " + std::to_string(version);
  made.graph.initializers.push_back(onnx::raw_tensor("w", DType::kI8, {size}, {weights, *weights}));
  made.graph.outputs.push_back({"w", DType::kI8, {size}});
  return made;
}

void write_version(const std::string& kind, const std::string& path, int version) {
  if (kind == "npz") {
    std::vector<std::byte> bytes = payload(version);
    const auto size = static_cast<int64_t>(bytes.size());
    const std::vector<NamedArray> arrays{{"x", make_array(DType::kU8, {size}, std::move(bytes))}};
    write_npz(path, arrays);
  } else if (kind == "text") {
    const std::vector<std::byte> bytes = payload(version);
    write_file(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  } else {
    const uint64_t above = kind == "onnx-data" ? 1000 : 1'000'000'000;
    onnx::write_model(model(version), path, {.external_data_above = above});
  }
}

}  // namespace
}  // namespace graftwork::core

int main(int argc, char** argv) {
  if (argc != 4) return std::fprintf(stderr, "usage: %s KIND PATH 0|1|forever\n", argv[0]), 2;
  const std::string version = argv[3];
  if (version != "forever") {
    graftwork::core::write_version(argv[1], argv[2], version == "1");
    return 0;
  }
  for (int i = 0; true; i = 1 - i) graftwork::core::write_version(argv[1], argv[2], i);
}
