#include "graftwork/cli/torch/interrupt.h"

#include <atomic>
#include <cstdint>
#include <ctime>

#include "graftwork/base/error.h"

namespace graftwork::core::cli {
namespace {

// A signal handler can reach nothing but a global.
volatile std::sig_atomic_t interrupted = 0;

/// Milliseconds of a clock that nobody sets, when the first came.
std::atomic<int64_t> interrupted_at = 0;

/// The second ends the process, but what comes at once is the first: sent to all of a group, it is passed on too by the
/// process that waits for this one.
void note_interrupt(int signal) {
  constexpr int64_t kAtOnce = 300;
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  const int64_t now = int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000;
  if (!interrupted) {
    interrupted = 1;
    interrupted_at = now;
  } else if (now - interrupted_at > kAtOnce) {
    ::signal(signal, SIG_DFL);
    ::raise(signal);
  }
}

}  // namespace

InterruptGuard::InterruptGuard() {
  interrupted = 0;
  struct sigaction action {};
  action.sa_handler = note_interrupt;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, nullptr, &before_);
  // A parent that ignores SIGINT for us (nohup, a shell's background job) wants that kept.
  if (before_.sa_handler != SIG_IGN) ::sigaction(SIGINT, &action, nullptr);
}

InterruptGuard::~InterruptGuard() { ::sigaction(SIGINT, &before_, nullptr); }

bool InterruptGuard::requested() const { return interrupted != 0; }

void InterruptGuard::check() const {
  if (requested()) throw Error("interrupted", "stopped on request; no file was written");
}

}  // namespace graftwork::core::cli
