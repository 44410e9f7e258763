#include "graftwork/cli/torch/threads.h"

#include <ATen/Parallel.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <iterator>
#include <latch>
#include <thread>
#include <vector>

namespace graftwork::core::cli {
namespace {

/// Of this process, those too that have ended and that the system still counts.
size_t living_threads() {
  std::error_code error;
  const std::filesystem::directory_iterator tasks("/proc/self/task", error);
  return error ? 1 : static_cast<size_t>(std::distance(begin(tasks), end(tasks)));
}

/// More are of no use, and are asked for by mistake.
constexpr int kMostThreads = 1024;

/// At most `wanted` beside this one, all alive at once.
int threads_to_be_had(int wanted) {
  const size_t before = living_threads();
  int made = 0;
  {
    std::latch counted(1);
    std::vector<std::jthread> threads;
    threads.reserve(static_cast<size_t>(wanted));
    try {
      for (; made < wanted; ++made) threads.emplace_back([&counted] { counted.wait(); });
    } catch (const std::exception&) {
      // These are all.
    }
    counted.count_down();
  }
  constexpr int kMostWaits = 1000;
  for (int i = 0; i < kMostWaits && living_threads() > before; ++i)
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  return made;
}

}  // namespace

void limit_threads() {
#ifdef __GLIBC__
  mallopt(M_ARENA_MAX, 1);
#endif
  // Torch keeps two pools: OpenMP's, and one that at::set_num_threads makes.
  const int asked_for = at::get_num_threads();
  const int wanted = std::min(asked_for, kMostThreads);
  const int had = 1 + threads_to_be_had(2 * (wanted - 1)) / 2;
  if (had < asked_for) at::set_num_threads(had);
}

}  // namespace graftwork::core::cli
