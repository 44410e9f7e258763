#include "graftwork/cli/torch/interrupt.h"

#include "graftwork/base/error.h"

namespace graftwork::core::cli {
namespace {

// A signal handler can reach nothing but a global.
volatile std::sig_atomic_t interrupted = 0;

void note_interrupt(int) { interrupted = 1; }

}  // namespace

InterruptGuard::InterruptGuard() {
  interrupted = 0;
  struct sigaction action {};
  action.sa_handler = note_interrupt;
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
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
