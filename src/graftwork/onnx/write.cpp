#include "graftwork/onnx/write.h"

#include <limits>
#include <optional>
#include <string_view>
#include <system_error>

#include "graftwork/base/atomic_file.h"
#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/base/text.h"
#include "graftwork/onnx/check.h"
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
ExternalData place_outside(const Graph& graph, std::string location) {
  ExternalData external{std::move(location), {}};
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

void write_weights(const Graph& graph, const ExternalData& external, AtomicFile& file) {
  uint64_t end = 0;
  for (size_t i = 0; i < graph.initializers.size(); ++i) {
    if (!external.offsets[i]) continue;
    const std::span<const std::byte> bytes = graph.initializers[i].bytes.view;
    file.write(std::string(*external.offsets[i] - end, '\0'));
    file.write(text_of(bytes));
    end = *external.offsets[i] + bytes.size();
  }
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

void remove_quietly(const std::filesystem::path& path) {
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
}

/// Whether the file at `path` is a model whose weights lie in the file `data_name` beside it. Such a model is short;
/// what is longer than any is not searched.
bool names_data(const std::filesystem::path& path, const std::string& data_name) {
  constexpr uintmax_t kLongest = uintmax_t{256} << 20;
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(path, error);
  if (error || size == 0 || size > kLongest) return false;
  try {
    // StringStringEntryProto: key (field 1) "location", value (field 2) of the name's length.
    std::string entry = "\x0a\x08location\x12";
    for (size_t length = data_name.size(); true; length >>= 7) {
      entry += static_cast<char>((length & 0x7f) | (length > 0x7f ? 0x80 : 0));
      if (length <= 0x7f) break;
    }
    return text_of(MappedFile(path).bytes()).find(entry + data_name) != std::string_view::npos;
  } catch (const Error&) {
    return false;
  }
}

/// Data first: a model file never names data that is not there. An older model that reads the same data goes before
/// it comes, and where the new model then fails, its data goes too: no model ever stands beside the data of another.
void commit_both(AtomicFile& data_file, const std::filesystem::path& data_path, AtomicFile& model_file,
                 const std::filesystem::path& path) {
  if (names_data(path, data_path.filename().string())) remove_quietly(path);
  data_file.commit();
  try {
    model_file.commit();
  } catch (...) {
    remove_quietly(data_path);
    throw;
  }
}

}  // namespace

void write_model(const Model& model, const std::filesystem::path& path, const WriteOptions& options) {
  check_model(model);
  std::filesystem::path data_path = path;
  data_path += ".data";
  ExternalData external;
  if (weight_bytes(model.graph) > options.external_data_above) {
    external = place_outside(model.graph, data_path.filename().string());
  }
  const std::vector<Chunk> chunks = checked_chunks(model, external);
  AtomicFile model_file(path);
  if (external.offsets.empty()) {
    write_chunks(chunks, model_file);
    const bool leaves_data = names_data(path, data_path.filename().string());
    model_file.commit();
    if (leaves_data) remove_quietly(data_path);
    return;
  }
  AtomicFile data_file(data_path);
  write_weights(model.graph, external, data_file);
  write_chunks(chunks, model_file);
  commit_both(data_file, data_path, model_file, path);
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
