// What opening a network may take of the machine.
#pragma once

#include <sys/resource.h>

#include <filesystem>

namespace graftwork::core::cli {

/// While this lives, the process may reserve 2 GiB and ten times the file beyond what it has, and compute for 20 s and
/// 100 ns for each byte. That is far above what opening is held to (FoldingBudget): it is for what no budget foresaw.
/// More memory fails as any allocation does; more time ends the process by SIGXCPU, so that it must be one of its own.
class OpeningLimits {
 public:
  /// Does nothing unless `isolated`.
  OpeningLimits(const std::filesystem::path& model, bool isolated);
  ~OpeningLimits();
  OpeningLimits(const OpeningLimits&) = delete;
  OpeningLimits& operator=(const OpeningLimits&) = delete;

 private:
  bool isolated_;
  rlimit memory_{};
  rlimit time_{};
};

}  // namespace graftwork::core::cli
