#include "graftwork/onnx/data_file.h"

#include <algorithm>
#include <cstdint>
#include <system_error>

#include "graftwork/base/content_hash.h"
#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/base/hash.h"
#include "graftwork/base/text.h"

namespace graftwork::core::onnx {
namespace {

constexpr std::string_view kEnding = ".data";
constexpr size_t kDigits = 16;

bool is_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Behind the key of an entry of external data, its value: StringStringEntryProto, field 2, a length and the text.
std::string_view value_behind(std::string_view bytes) {
  size_t length = 0;
  for (int shift = 0; shift < 21 && !bytes.empty(); shift += 7) {
    const auto digit = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    length |= static_cast<size_t>(digit & 0x7f) << shift;
    if (digit < 0x80) return bytes.substr(0, length);
  }
  return {};
}

/// The file that the model at `path` has its weights in, if it is one of ours; else nothing. Such a model is short;
/// what is longer than any is not searched.
std::string data_of(const std::filesystem::path& path) {
  constexpr uintmax_t kLongest = uintmax_t{256} << 20;
  constexpr std::string_view kKey = "\x0a\x08location\x12";
  const std::string model = path.filename();
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(path, error);
  if (error || size == 0 || size > kLongest) return {};
  try {
    const MappedFile file(path);
    const std::string_view bytes = text_of(file.bytes());
    for (size_t at = bytes.find(kKey); at != std::string_view::npos; at = bytes.find(kKey, at + 1)) {
      const std::string_view name = value_behind(bytes.substr(at + kKey.size()));
      if (is_data_name(name, model)) return std::string(name);
    }
  } catch (const Error&) {
    return {};
  }
  return {};
}

void remove_quietly(const std::filesystem::path& path) {
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
}

}  // namespace

std::string data_name(const std::string& model, const Graph& graph, const ExternalData& external) {
  std::string places;
  for (size_t i = 0; i < graph.initializers.size(); ++i) {
    if (!external.offsets[i]) continue;
    places += cat(*external.offsets[i], " ", hash_digits(content_hash(graph.initializers[i].bytes.view)), "\n");
  }
  return cat(model, ".", hash_digits(content_hash(std::as_bytes(std::span(places)))), kEnding);
}

bool is_data_name(std::string_view name, std::string_view model) {
  if (!name.starts_with(model) || !name.ends_with(kEnding) || name.size() < model.size() + kEnding.size()) return false;
  name.remove_prefix(model.size());
  name.remove_suffix(kEnding.size());
  if (name.empty()) return true;
  return name.size() == 1 + kDigits && name[0] == '.' && std::ranges::all_of(name.substr(1), is_digit);
}

void publish(AtomicFile& model, AtomicFile* data_file, const std::string& data, const std::filesystem::path& path) {
  const OutputFolder::Lock lock(model.folder());
  if (!lock.is_held()) {
    throw Error("file.unwritable", cat("cannot write ", path.string(), ": another process keeps its folder locked"),
                "another folder");
  }
  const std::string old = data_of(path);
  if (data_file) data_file->commit_as(data);
  try {
    model.commit();
  } catch (...) {
    if (data_file && data != old) remove_quietly(path.parent_path() / data);
    throw;
  }
  if (!old.empty() && old != data) remove_quietly(path.parent_path() / old);
}

}  // namespace graftwork::core::onnx
