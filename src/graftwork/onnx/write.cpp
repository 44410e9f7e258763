#include "graftwork/onnx/write.h"

#include <limits>
#include <optional>
#include <string_view>

#include "graftwork/base/atomic_file.h"
#include "graftwork/base/error.h"
#include "graftwork/base/part_file.h"
#include "graftwork/base/text.h"
#include "graftwork/onnx/check.h"
#include "graftwork/onnx/data_file.h"
#include "graftwork/onnx/encode.h"

namespace graftwork::core::onnx {
namespace {

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

uint64_t aligned(uint64_t offset) {
  return (offset + kExternalAlignment - 1) / kExternalAlignment * kExternalAlignment;
}

uint64_t weight_bytes(const Graph& graph) {
  uint64_t sum = 0;
  for (const Tensor& tensor : graph.initializers) sum += tensor.bytes.view.size();
  return sum;
}

/// Nothing where every initializer is too small to move.
ExternalData place_outside(const Graph& graph) {
  ExternalData external;
  uint64_t end = 0;
  for (const Tensor& tensor : graph.initializers) {
    const uint64_t size = tensor.bytes.view.size();
    if (size < kLeastExternalBytes) {
      external.offsets.emplace_back();
      continue;
    }
    external.offsets.emplace_back(aligned(end));
    end = aligned(end) + size;
  }
  if (end == 0) return {};
  return external;
}

/// Returns how many bytes they are.
uint64_t write_weights(const Graph& graph, const ExternalData& external, AtomicFile& file) {
  uint64_t end = 0;
  for (size_t i = 0; i < graph.initializers.size(); ++i) {
    if (!external.offsets[i]) continue;
    const std::span<const std::byte> bytes = graph.initializers[i].bytes.view;
    file.write(std::string(*external.offsets[i] - end, '\0'));
    file.write(text_of(bytes));
    end = *external.offsets[i] + bytes.size();
  }
  return end;
}

std::vector<Chunk> checked_chunks(const Model& model, const ExternalData& external) {
  std::vector<Chunk> chunks = encode_model(model, external);
  const uint64_t size = total_size(chunks);
  if (size > static_cast<uint64_t>(std::numeric_limits<int32_t>::max())) {
    throw Error("onnx.too_large", "the ONNX model takes " + human_bytes(size) + ", and no reader takes more than 2 GiB",
                "moving the weights to a file of external data");
  }
  return chunks;
}

void write_chunks(const std::vector<Chunk>& chunks, AtomicFile& file) {
  for (const Chunk& chunk : chunks) {
    file.write(chunk.head);
    file.write(text_of(chunk.payload));
  }
}

}  // namespace

WrittenModel write_model(const Model& model, const std::filesystem::path& path, const WriteOptions& options) {
  check_model(model);
  ExternalData external;
  if (weight_bytes(model.graph) > options.external_data_above) external = place_outside(model.graph);
  const bool has_data = !external.offsets.empty();
  AtomicFile model_file(path);
  const std::string name = model_file.path().filename();
  if (has_data) external.location = data_name(name, model.graph, external);
  const std::vector<Chunk> chunks = checked_chunks(model, external);
  WrittenModel written{total_size(chunks), {}};

  std::optional<AtomicFile> data_file;
  if (has_data) {
    data_file.emplace(model_file, data_part_name(name));
    written.bytes += write_weights(model.graph, external, *data_file);
    written.data = model_file.path().parent_path() / external.location;
    data_file->finish();
  } else {
    remove_leftovers(model_file.folder(), data_part_name(name));
  }
  write_chunks(chunks, model_file);
  model_file.finish();
  if (options.before_commit) options.before_commit(written.bytes);
  publish(model_file, data_file ? &*data_file : nullptr, external.location);
  return written;
}

std::string serialize_model(const Model& model) {
  check_model(model);
  std::string bytes;
  for (const Chunk& chunk : checked_chunks(model, {})) {
    bytes += chunk.head;
    bytes += text_of(chunk.payload);
  }
  return bytes;
}

}  // namespace graftwork::core::onnx
