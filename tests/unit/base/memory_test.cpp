#include "graftwork/base/memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "graftwork/base/file.h"

namespace graftwork::core {
namespace {

constexpr size_t kSize = size_t{1} << 20;

size_t resident_pages() {
  std::ifstream statm("/proc/self/statm");
  size_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident;
}

MappedFile file_of_ones(const std::filesystem::path& path, MappedFile::Writes writes = MappedFile::Writes::kNone) {
  std::ofstream(path) << std::string(kSize, '1');
  return MappedFile(path, writes);
}

TEST(Memory, PagesOfAFileLeaveAndComeBack) {
  const MappedFile file = file_of_ones(std::filesystem::path(::testing::TempDir()) / "graftwork_memory_ones");
  const auto is_one = [](std::byte byte) { return byte == std::byte{'1'}; };
  EXPECT_TRUE(std::ranges::all_of(file.bytes(), is_one));
  const size_t before = resident_pages();
  let_go_of_pages(file.bytes());
  EXPECT_LT(resident_pages() + 200, before);  // of 256
  EXPECT_TRUE(std::ranges::all_of(file.bytes(), is_one));
}

TEST(Memory, WhatWasWrittenStays) {
  const MappedFile file = file_of_ones(std::filesystem::path(::testing::TempDir()) / "graftwork_memory_written",
                                       MappedFile::Writes::kCopied);
  auto* const written = const_cast<std::byte*>(file.bytes().data() + kSize / 2);
  *written = std::byte{'2'};
  let_go_of_pages(file.bytes());
  EXPECT_EQ(*written, std::byte{'2'});
}

}  // namespace
}  // namespace graftwork::core
