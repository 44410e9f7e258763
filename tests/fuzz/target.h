// What every fuzz target does: take any bytes, and answer with a result or with an Error. Everything else that a reader
// may do (another exception, a crash, a leak, more memory or time than the bytes are worth) is a finding.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "graftwork/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace graftwork::core::fuzz {

inline std::string_view as_text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Runs `body`; an Error is a right answer.
template <class Body>
void answer(Body&& body) {
  try {
    body();
  } catch (const Error&) {
    return;
  }
}

/// For what must hold of every result.
inline void demand(bool holds) {
  if (!holds) std::abort();
}

/// Bytes as a file in memory, for readers that take a path.
class MemoryFile {
 public:
  MemoryFile(const uint8_t* data, size_t size) : fd_(::memfd_create("fuzz", 0)) {
    demand(fd_ >= 0 && ::write(fd_, data, size) == static_cast<ssize_t>(size));
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

}  // namespace graftwork::core::fuzz
