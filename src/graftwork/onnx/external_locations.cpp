#include "graftwork/onnx/external_locations.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string_view>

namespace graftwork::core::onnx {
namespace {

constexpr off_t kLongestFile = off_t{256} << 20;
constexpr size_t kBlock = size_t{1} << 20;
constexpr size_t kMostLocations = 10'000;
/// Of a path, on Linux.
constexpr size_t kLongestLocation = 4096;
/// StringStringEntryProto: field 1, a length and "location"; field 2.
constexpr std::string_view kKey = "\x0a\x08location\x12";
constexpr size_t kDigitsOfLength = 2;
constexpr size_t kLongestEntry = kKey.size() + kDigitsOfLength + kLongestLocation;

/// What follows the key: a length, seven bits in a byte, and the text. Nothing where it is cut off, or too long.
std::optional<std::string_view> value_behind(std::string_view bytes) {
  size_t length = 0;
  for (size_t i = 0; i < kDigitsOfLength && i < bytes.size(); ++i) {
    const auto digit = static_cast<unsigned char>(bytes[i]);
    length |= static_cast<size_t>(digit & 0x7f) << (7 * i);
    if (digit >= 0x80) continue;
    if (length > kLongestLocation || length > bytes.size() - i - 1) return std::nullopt;
    return bytes.substr(i + 1, length);
  }
  return std::nullopt;
}

bool finds(std::string_view bytes, const std::function<bool(std::string_view)>& is_wanted) {
  for (size_t at = bytes.find(kKey); at != std::string_view::npos; at = bytes.find(kKey, at + 1)) {
    const auto value = value_behind(bytes.substr(at + kKey.size()));
    if (value && is_wanted(*value)) return true;
  }
  return false;
}

}  // namespace

Search find_location(int fd, const std::function<bool(std::string_view)>& is_wanted) {
  struct stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size > kLongestFile) return Search::kNotAsked;
  // Read, not mapped: somebody may cut it meanwhile.
  std::string window;
  for (off_t sum = 0; sum <= kLongestFile;) {
    const size_t kept = window.size();
    window.resize(kept + kBlock);
    const ssize_t count = ::read(fd, window.data() + kept, kBlock);
    if (count < 0 && errno == EINTR) {
      window.resize(kept);
      continue;
    }
    window.resize(kept + static_cast<size_t>(count > 0 ? count : 0));
    if (count <= 0) return count == 0 ? Search::kNone : Search::kNotAsked;
    if (finds(window, is_wanted)) return Search::kFound;
    sum += count;
    if (window.size() > kLongestEntry) window.erase(0, window.size() - kLongestEntry);
  }
  return Search::kNotAsked;
}

std::set<std::string> external_locations(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return {};
  std::set<std::string> found;
  find_location(fd, [&](std::string_view location) {
    found.emplace(location);
    return found.size() >= kMostLocations;
  });
  ::close(fd);
  return found;
}

}  // namespace graftwork::core::onnx
