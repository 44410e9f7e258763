#include "graftwork/cli/output/held_signals.h"

#include <atomic>
#include <cstdint>

namespace graftwork::core::cli {
namespace {

constexpr int kHeld[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU};

/// A bit for each that came. A signal handler can reach nothing but a global.
std::atomic<uint32_t> came = 0;
static_assert(decltype(came)::is_always_lock_free);

uint32_t bit(int signal) { return uint32_t{1} << static_cast<uint32_t>(signal); }

void note(int signal) { came |= bit(signal); }

}  // namespace

HeldSignals::HeldSignals() {
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART;
  for (const int signal : kHeld) {
    struct sigaction before {};
    if (::sigaction(signal, nullptr, &before) != 0 || before.sa_handler == SIG_IGN) continue;
    ::sigaction(signal, &action, nullptr);
    before_.emplace_back(signal, before);
  }
}

HeldSignals::~HeldSignals() {
  for (const auto& [signal, before] : before_) ::sigaction(signal, &before, nullptr);
  const uint32_t held = came.exchange(0);
  for (const auto& [signal, before] : before_) {
    if (held & bit(signal)) ::raise(signal);
  }
}

}  // namespace graftwork::core::cli
