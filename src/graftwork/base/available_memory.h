// How much memory the machine has left for this process.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace graftwork::core {

/// Where Linux tells of memory; tests have folders of their own.
struct MemorySources {
  std::filesystem::path proc = "/proc";
  std::filesystem::path cgroup = "/sys/fs/cgroup";
};

/// What the process has, in bytes; 0 where the system does not say.
struct ProcessMemory {
  int64_t reserved = 0;  ///< Address space, which RLIMIT_AS limits.
  int64_t writable = 0;  ///< Of that, its own to write to, which RLIMIT_DATA limits.
};
ProcessMemory process_memory(const MemorySources& sources = {});

/// Bytes that the process may take on top of what it has: the least of what the machine has available, what its
/// control groups (version 1 and 2) leave, and what its own limits of address space and data leave. Copies of files
/// that the system holds in memory count as free, swap does not. The largest number where the system says nothing.
int64_t available_memory(const MemorySources& sources = {});

/// `limit` bytes; 0: available_memory().
int64_t memory_within(int64_t limit);

/// Throws Error "memory.limit" where `needed` bytes are more than memory_within(limit): "`taking` 2 GB of memory; there
/// are 1 GB".
void check_room(int64_t needed, int64_t limit, std::string_view taking, const std::string& advice);

}  // namespace graftwork::core
