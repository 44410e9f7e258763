// What is left of the machine's memory, as Linux tells it.
#include "graftwork/base/available_memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace graftwork::core {
namespace {

namespace fs = std::filesystem;

class AvailableMemoryTest : public ::testing::Test {
 protected:
  AvailableMemoryTest() : folder_(fs::temp_directory_path() / ("graftwork_memory_" + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
    write("proc/meminfo", "MemTotal:       8000000 kB\nMemAvailable:   4000000 kB\n");
  }
  ~AvailableMemoryTest() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text;
  }
  int64_t available() const { return available_memory({folder_ / "proc", folder_ / "cgroup"}); }

  fs::path folder_;
};

TEST_F(AvailableMemoryTest, IsWhatTheMachineHas) { EXPECT_EQ(available(), int64_t{4000000} * 1024); }

TEST_F(AvailableMemoryTest, IsLessInAGroupAndInTheOneAroundIt) {
  write("proc/self/cgroup", "0::/outer/inner\n");
  write("cgroup/outer/inner/memory.max", "max\n");
  write("cgroup/outer/inner/memory.current", "1000000\n");
  EXPECT_EQ(available(), int64_t{4000000} * 1024);
  write("cgroup/outer/memory.max", "3000000\n");
  write("cgroup/outer/memory.current", "2000000\n");
  EXPECT_EQ(available(), 1000000);
  write("cgroup/outer/memory.stat", "anon 5\ninactive_file 500000\n");
  EXPECT_EQ(available(), 1500000);
  write("cgroup/outer/inner/memory.max", "1200000\n");
  EXPECT_EQ(available(), 200000);
}

TEST_F(AvailableMemoryTest, CountsWhatTheSystemGivesBackAsFree) {
  write("proc/self/cgroup", "0::/box\n4:memory:/box\n");
  write("cgroup/box/memory.max", "3000000\n");
  write("cgroup/box/memory.current", "3000000\n");
  write("cgroup/box/memory.stat", "anon 5\ninactive_file 1000\nactive_file 20000\nslab_reclaimable 300000\n");
  EXPECT_EQ(available(), 321000);
  write("cgroup/box/memory.stat", "inactive_file 2000000\nactive_file 9223372036854775807\n");
  EXPECT_EQ(available(), 3000000) << "no more than is used";
  write("cgroup/memory/box/memory.limit_in_bytes", "500000\n");
  write("cgroup/memory/box/memory.usage_in_bytes", "500000\n");
  write("cgroup/memory/box/memory.stat", "active_file 7\ntotal_inactive_file 1000\ntotal_active_file 20000\n");
  EXPECT_EQ(available(), 21000);
}

TEST_F(AvailableMemoryTest, KnowsTheFirstVersionOfGroups) {
  write("proc/self/cgroup", "4:memory:/box\n3:cpu:/box\n");
  write("cgroup/memory/box/memory.limit_in_bytes", "900000\n");
  write("cgroup/memory/box/memory.usage_in_bytes", "1000000\n");
  EXPECT_EQ(available(), 0);
}

TEST_F(AvailableMemoryTest, SaysNothingWhereTheSystemDoesNot) {
  const MemorySources nowhere{folder_ / "none", folder_ / "none"};
  EXPECT_GE(available_memory(nowhere), int64_t{1} << 40);
  EXPECT_GT(available_memory(), 0);
}

}  // namespace
}  // namespace graftwork::core
