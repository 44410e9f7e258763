// Signals wait while several outputs take their places.
#pragma once

#include <csignal>
#include <utility>
#include <vector>

namespace graftwork::core::cli {

/// While this lives, what asks the process to end (Ctrl-C, SIGTERM, a terminal that is closed) is only noted, in
/// whatever thread it arrives; then it has its way, as this found it: a signal that is ignored stays so. Several may
/// live, each in the one before it. No hold against SIGKILL, nor a crash.
class HeldSignals {
 public:
  HeldSignals();
  ~HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

 private:
  std::vector<std::pair<int, struct sigaction>> before_;
};

}  // namespace graftwork::core::cli
