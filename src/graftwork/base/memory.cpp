#include "graftwork/base/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace graftwork::core {

void trim_heap() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

void let_go_of_pages(std::span<const std::byte> mapped) {
#ifdef MADV_PAGEOUT
  // Whole pages alone: those at the ends belong to neighbours too.
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<uintptr_t>(mapped.data()) + page - 1) / page * page;
  const auto end = (reinterpret_cast<uintptr_t>(mapped.data()) + mapped.size()) / page * page;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_PAGEOUT);
#else
  static_cast<void>(mapped);
#endif
}

}  // namespace graftwork::core
