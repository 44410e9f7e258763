// Exit statuses, and the one place where failures become messages.
#pragma once

#include <functional>

namespace graftwork::core::cli {

inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;
inline constexpr int kUsage = 2;
inline constexpr int kInternalError = 70;
inline constexpr int kInterrupted = 130;

/// Runs `work`. Whatever it throws is reported on standard error, once, and turned into an exit status: kUsage for
/// Error "usage", kInterrupted for Error "interrupted", kInternalError for a defect of ours, else kFailure.
int guarded(const std::function<void()>& work) noexcept;

}  // namespace graftwork::core::cli
