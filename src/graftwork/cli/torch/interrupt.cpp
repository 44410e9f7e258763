#include "graftwork/cli/torch/interrupt.h"

#include <atomic>
#include <cstdint>
#include <ctime>

#include "graftwork/base/error.h"

namespace graftwork::core::cli {
namespace {

/// Milliseconds of a clock that nobody sets, when the first came; 0: none has. A signal handler can reach nothing but a
/// global.
std::atomic<int64_t> interrupted_at = 0;
static_assert(decltype(interrupted_at)::is_always_lock_free);

/// The second ends the process, but what comes at once is the first: sent to all of a group, it is passed on too by the
/// process that waits for this one. Two threads may be told at the same moment.
void note_interrupt(int signal) {
  constexpr int64_t kAtOnce = 300;
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  const int64_t now = int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000;
  int64_t first = 0;
  if (!interrupted_at.compare_exchange_strong(first, now) && now - first > kAtOnce) {
    ::signal(signal, SIG_DFL);
    ::raise(signal);
  }
}

}  // namespace

InterruptGuard::InterruptGuard() {
  interrupted_at = 0;
  struct sigaction action {};
  action.sa_handler = note_interrupt;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, nullptr, &before_);
  // A parent that ignores SIGINT for us (nohup, a shell's background job) wants that kept.
  if (before_.sa_handler != SIG_IGN) ::sigaction(SIGINT, &action, nullptr);
}

InterruptGuard::~InterruptGuard() { ::sigaction(SIGINT, &before_, nullptr); }

bool InterruptGuard::requested() const { return interrupted_at != 0; }

void InterruptGuard::check() const {
  if (requested()) throw Error("interrupted", "stopped on request; no file was written");
}

}  // namespace graftwork::core::cli
