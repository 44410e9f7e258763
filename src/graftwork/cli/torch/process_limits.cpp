#include "graftwork/cli/torch/process_limits.h"

#include <algorithm>

#include "graftwork/base/available_memory.h"

namespace graftwork::core::cli {
namespace {

constexpr rlim_t kGibi = rlim_t{1} << 30;
constexpr rlim_t kOpeningMemory = 2 * kGibi;
constexpr rlim_t kOpeningMemoryPerByte = 10;
constexpr rlim_t kOpeningSeconds = 20;
constexpr rlim_t kBytesPerOpeningSecond = 10'000'000;
constexpr rlim_t kUntouched = kGibi;

rlim_t seconds_now() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<rlim_t>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + 1;
}

/// Keeps what the user has limited himself.
void lower(__rlimit_resource resource, const rlimit& before, rlim_t wanted) {
  const rlimit limit{std::min({before.rlim_cur, before.rlim_max, wanted}), before.rlim_max};
  ::setrlimit(resource, &limit);
}

}  // namespace

OpeningLimits::OpeningLimits(const std::filesystem::path& model, bool isolated) : isolated_(isolated) {
  if (!isolated_) return;
  std::error_code error;
  const std::uintmax_t found = std::filesystem::file_size(model, error);
  const rlim_t bytes = error ? 0 : found;
  ::getrlimit(RLIMIT_AS, &memory_);
  ::getrlimit(RLIMIT_CPU, &time_);
  if (const auto reserved = static_cast<rlim_t>(process_memory().reserved); reserved > 0)
    lower(RLIMIT_AS, memory_, reserved + kOpeningMemory + kOpeningMemoryPerByte * bytes);
  lower(RLIMIT_CPU, time_, seconds_now() + kOpeningSeconds + bytes / kBytesPerOpeningSecond);
}

OpeningLimits::~OpeningLimits() {
  if (!isolated_) return;
  ::setrlimit(RLIMIT_AS, &memory_);
  ::setrlimit(RLIMIT_CPU, &time_);
}

void hold_to_memory(int64_t limit) {
  const auto writable = static_cast<rlim_t>(process_memory().writable);
  const auto left = static_cast<rlim_t>(std::max(available_memory(), limit));
  rlimit before{};
  if (writable == 0 || ::getrlimit(RLIMIT_DATA, &before) != 0) return;
  lower(RLIMIT_DATA, before, writable + left + kUntouched);
}

}  // namespace graftwork::core::cli
