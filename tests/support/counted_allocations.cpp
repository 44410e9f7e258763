#include "support/counted_allocations.h"

#include <cstdlib>
#include <new>

namespace {

thread_local graftwork::core::testing::Allocations of_thread;

}  // namespace

void* operator new(size_t size, const std::nothrow_t&) noexcept {
  ++of_thread.count;
  of_thread.bytes += size;
  return std::malloc(size);
}
void* operator new(size_t size) {
  if (void* memory = operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace graftwork::core::testing {

const Allocations& allocations() { return of_thread; }

}  // namespace graftwork::core::testing
