// What the command's process may take of the machine, whatever no budget foresaw.
#pragma once

#include <sys/resource.h>

#include <filesystem>

namespace graftwork::core::cli {

/// While this lives, the process may reserve 2 GiB and ten times the file beyond what it has, and compute for 20 s and
/// 100 ns for each byte. That is far above what opening is held to (FoldingBudget). More memory fails as any allocation
/// does; more time ends the process by SIGXCPU, so that it must be one of its own.
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

/// From now on the process may take what the machine has left at this moment, or `limit` bytes if those are more, and
/// 1 GiB that it need not touch, such as stacks. What grows while a network runs fails then as any allocation does,
/// before the system ends processes. Files that are mapped to be read do not count.
void hold_to_memory(int64_t limit);

}  // namespace graftwork::core::cli
