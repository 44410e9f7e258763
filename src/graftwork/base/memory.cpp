#include "graftwork/base/memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace graftwork::core {
namespace {

/// Whether all pages are the file's own, none a copy that somebody has written to (Linux: proc_pid_pagemap(5)).
bool are_of_the_file(uintptr_t begin, uintptr_t end, uintptr_t page) {
  constexpr uint64_t kIsThere = uint64_t{3} << 62, kOfFile = uint64_t{1} << 61;
  const int fd = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  std::vector<uint64_t> entries((end - begin) / page);
  const size_t bytes = entries.size() * sizeof(uint64_t);
  const ssize_t got = ::pread(fd, entries.data(), bytes, static_cast<off_t>(begin / page * sizeof(uint64_t)));
  ::close(fd);
  return got == static_cast<ssize_t>(bytes) &&
         std::ranges::all_of(entries, [](uint64_t entry) { return (entry & kIsThere) == 0 || (entry & kOfFile) != 0; });
}

}  // namespace

void trim_heap() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

void let_go_of_pages(std::span<const std::byte> mapped) {
  // Whole pages alone: those at the ends belong to neighbours too.
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<uintptr_t>(mapped.data()) + page - 1) / page * page;
  const auto end = (reinterpret_cast<uintptr_t>(mapped.data()) + mapped.size()) / page * page;
  if (begin < end && are_of_the_file(begin, end, page))
    ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace graftwork::core
