#include "graftwork/cli/torch/opening_limits.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace graftwork::core::cli {
namespace {

constexpr rlim_t kMemory = rlim_t{2} << 30;
constexpr rlim_t kMemoryPerByte = 10;
constexpr rlim_t kSeconds = 20;
constexpr rlim_t kBytesPerSecond = 10'000'000;

/// Address space that the process has; 0 where the system does not say.
rlim_t reserved_now() {
  rlim_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
}

rlim_t seconds_now() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<rlim_t>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + 1;
}

/// Keeps what the user has limited himself.
rlimit lowered(const rlimit& limit, rlim_t wanted) {
  return {std::min({limit.rlim_cur, limit.rlim_max, wanted}), limit.rlim_max};
}

}  // namespace

OpeningLimits::OpeningLimits(const std::filesystem::path& model, bool isolated) : isolated_(isolated) {
  if (!isolated_) return;
  std::error_code error;
  const std::uintmax_t found = std::filesystem::file_size(model, error);
  const rlim_t bytes = error ? 0 : found;
  ::getrlimit(RLIMIT_AS, &memory_);
  ::getrlimit(RLIMIT_CPU, &time_);
  if (const rlim_t reserved = reserved_now(); reserved > 0) {
    const rlimit limit = lowered(memory_, reserved + kMemory + kMemoryPerByte * bytes);
    ::setrlimit(RLIMIT_AS, &limit);
  }
  const rlimit limit = lowered(time_, seconds_now() + kSeconds + bytes / kBytesPerSecond);
  ::setrlimit(RLIMIT_CPU, &limit);
}

OpeningLimits::~OpeningLimits() {
  if (!isolated_) return;
  ::setrlimit(RLIMIT_AS, &memory_);
  ::setrlimit(RLIMIT_CPU, &time_);
}

}  // namespace graftwork::core::cli
