// Ctrl-C as a question that the work asks itself, so that it ends between two steps and leaves nothing half-written.
#pragma once

#include <csignal>

namespace graftwork::core::cli {

/// While this lives, the first SIGINT is only noted; a second one ends the process at once.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  bool requested() const;
  /// Throws Error "interrupted" when there was a SIGINT.
  void check() const;

 private:
  struct sigaction before_ {};
};

}  // namespace graftwork::core::cli
