#include "graftwork/base/part_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <random>

#include "graftwork/base/hash.h"
#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

constexpr std::string_view kEnding = ".graftwork-part";
/// With the rest of the name it stays within the 255 bytes that file systems take.
constexpr size_t kLongestStem = 200;
constexpr size_t kChanceDigits = 16;
constexpr size_t kCheckDigits = 8;
/// Names of chance that are all taken: something is wrong.
constexpr int kMostTries = 100;

std::string checked(const std::string& chance, std::string_view name) {
  return chance + hash_digits(hash_on(hash_on(kHashOfNothing, chance), name)).substr(0, kCheckDigits);
}

uint64_t chance() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

/// Whether the lock of a file could be had, or there are none.
bool lock(int fd) { return ::flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK; }

/// False for what its writer still has, and for what is no file.
void remove_if_left(const OutputFolder& folder, const std::string& part) {
  const int fd = folder.open(part, O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return;
  // Without locks nobody can tell, and the file stays.
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0 && folder.holds(fd, part)) folder.remove(part);
  ::close(fd);
}

}  // namespace

std::string part_name(std::string_view name) {
  return cat(name.substr(0, kLongestStem), ".", checked(hash_digits(chance()), name), kEnding);
}

bool is_part_of(std::string_view part, std::string_view name) {
  const std::string_view stem = name.substr(0, kLongestStem);
  if (part.size() != stem.size() + 1 + kChanceDigits + kCheckDigits + kEnding.size()) return false;
  const std::string digits(part.substr(stem.size() + 1, kChanceDigits));
  return part == cat(stem, ".", checked(digits, name), kEnding);
}

int make_part(const OutputFolder& folder, std::string_view name, mode_t mode, std::string& part) {
  for (int i = 0; i < kMostTries; ++i) {
    part = part_name(name);
    const int fd = folder.open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    if (fd < 0 && errno != EEXIST) return -1;
    if (fd < 0) continue;
    // Before it was locked, another writer may have taken it for a leftover.
    if (lock(fd) && folder.holds(fd, part)) return fd;
    ::close(fd);
  }
  errno = EEXIST;
  return -1;
}

void remove_leftovers(const OutputFolder& folder, std::string_view name) {
  for (const std::string& other : folder.names()) {
    if (is_part_of(other, name)) remove_if_left(folder, other);
  }
}

}  // namespace graftwork::core
