#include "graftwork/base/available_memory.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>

#include "graftwork/base/error.h"
#include "graftwork/base/saturating.h"
#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();

/// The number behind `key` in a file of lines "key number ...".
std::optional<int64_t> number_in(const fs::path& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    int64_t value = 0;
    if (words >> name && name == key && words >> value) return value;
  }
  return std::nullopt;
}

/// The number that a file is; nothing where it is a word ("max") or the file is not there.
std::optional<int64_t> number_of(const fs::path& path) {
  std::ifstream file(path);
  int64_t value = 0;
  return file >> value ? std::optional(value) : std::nullopt;
}

/// `reclaimable`: what counts as used in memory.stat, and is given back before anything fails. Files read twice are
/// "active", and no less so.
struct GroupFiles {
  const char *limit, *usage;
  std::span<const char* const> reclaimable;
};
constexpr std::array kReclaimable1{"total_inactive_file", "total_active_file"};
constexpr std::array kReclaimable2{"inactive_file", "active_file", "slab_reclaimable"};
constexpr GroupFiles kVersion1{"memory.limit_in_bytes", "memory.usage_in_bytes", kReclaimable1};
constexpr GroupFiles kVersion2{"memory.max", "memory.current", kReclaimable2};

/// What a group and those around it leave.
int64_t left_in(const fs::path& root, const fs::path& group, const GroupFiles& files) {
  int64_t left = kUnlimited;
  for (fs::path at = group.relative_path();; at = at.parent_path()) {
    const fs::path folder = root / at;
    const auto limit = number_of(folder / files.limit), usage = number_of(folder / files.usage);
    if (limit && usage) {
      int64_t reclaimable = 0;
      for (const char* key : files.reclaimable)
        reclaimable =
            saturating_sum(reclaimable, std::max<int64_t>(number_in(folder / "memory.stat", key).value_or(0), 0));
      left = std::min(left, *limit - *usage + std::min(reclaimable, *usage));
    }
    if (at.empty()) return left;
  }
}

int64_t left_in_groups(const MemorySources& sources) {
  int64_t left = std::min(left_in(sources.cgroup, {}, kVersion2), left_in(sources.cgroup / "memory", {}, kVersion1));
  std::ifstream file(sources.proc / "self/cgroup");
  for (std::string line; std::getline(file, line);) {  // "0::/path", "4:memory:/path"
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const fs::path group = line.substr(second + 1);
    if (controllers.empty()) left = std::min(left, left_in(sources.cgroup, group, kVersion2));
    if (controllers == "memory") left = std::min(left, left_in(sources.cgroup / "memory", group, kVersion1));
  }
  return left;
}

int64_t left_of(__rlimit_resource resource, int64_t taken) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kUnlimited;
  return static_cast<int64_t>(std::min<rlim_t>(limit.rlim_cur, kUnlimited)) - taken;
}

}  // namespace

ProcessMemory process_memory(const MemorySources& sources) {
  const auto bytes = [&](const char* key) { return number_in(sources.proc / "self/status", key).value_or(0) * 1024; };
  return {bytes("VmSize:"), bytes("VmData:")};
}

int64_t available_memory(const MemorySources& sources) {
  const auto free = number_in(sources.proc / "meminfo", "MemAvailable:");
  const ProcessMemory taken = process_memory(sources);
  const int64_t left = std::min({free ? *free * 1024 : kUnlimited, left_in_groups(sources),
                                 left_of(RLIMIT_AS, taken.reserved), left_of(RLIMIT_DATA, taken.writable)});
  return std::max<int64_t>(left, 0);
}

int64_t memory_within(int64_t limit) { return limit > 0 ? limit : available_memory(); }

void check_room(int64_t needed, int64_t limit, std::string_view taking, const std::string& advice) {
  const int64_t allowed = memory_within(limit);
  if (needed <= allowed) return;
  throw Error("memory.limit",
              cat(taking, " ", human_bytes(static_cast<uint64_t>(needed)), " of memory; there are ",
                  human_bytes(static_cast<uint64_t>(allowed))),
              advice);
}

}  // namespace graftwork::core
