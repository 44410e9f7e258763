// What checkpoints are written in: numbers as they are in memory, behind what tells damage.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>

namespace graftwork::core {

static_assert(std::endian::native == std::endian::little);

class ByteWriter {
 public:
  template <typename T>
  void number(T value) {
    static_assert(std::has_unique_object_representations_v<T> || std::is_floating_point_v<T>);
    std::array<char, sizeof(T)> raw;
    std::memcpy(raw.data(), &value, sizeof(T));
    bytes_.append(raw.data(), raw.size());
  }
  void text(std::string_view value) {
    number<uint64_t>(value.size());
    bytes_.append(value);
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

/// Throws Error "checkpoint.damaged" where there is less than is asked for.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  template <typename T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  /// Lies where the bytes do.
  std::string_view text() { return take(number<uint64_t>()); }
  /// How many entries follow, of that many bytes each at least: what is not there is not made room for.
  uint64_t count(uint64_t least_bytes) {
    const auto value = number<uint64_t>();
    if (value > bytes_.size() / least_bytes) damaged();
    return value;
  }
  void end() const {
    if (!bytes_.empty()) damaged();
  }

  [[noreturn]] static void damaged();

 private:
  std::string_view take(uint64_t size) {
    if (size > bytes_.size()) damaged();
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }

  std::string_view bytes_;
};

/// `kind`: the first line of such files.
void write_checkpoint_file(const std::filesystem::path& path, std::string_view kind, const std::string& body);
/// Calls `read`, which reads all. Throws Error "checkpoint.damaged", "file.*", and what `read` throws, with the path.
void read_checkpoint_file(const std::filesystem::path& path, std::string_view kind,
                          const std::function<void(ByteReader&)>& read);
/// Throws Error "checkpoint.other": the file is another calibration's.
[[noreturn]] void refuse_other_checkpoint(const std::filesystem::path& path);

}  // namespace graftwork::core
