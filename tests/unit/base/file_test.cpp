// Reading and mapping.
#include "graftwork/base/file.h"

#include <sys/stat.h>

#include <cstring>

#include "graftwork/base/atomic_file.h"
#include "unit/base/file_testing.h"

namespace graftwork::core {
namespace {

namespace fs = std::filesystem;
using testing::FileTest;

TEST_F(FileTest, WhatIsWrittenIsRead) {
  const std::string bytes("a\0b\nc", 5);
  write_file(path("a"), bytes);
  EXPECT_EQ(read_text(path("a")), bytes);
  const MappedFile mapped(path("a"));
  ASSERT_EQ(mapped.bytes().size(), 5u);
  EXPECT_EQ(std::memcmp(mapped.bytes().data(), bytes.data(), 5), 0);
  EXPECT_EQ(file_count(), 1u);
}

TEST_F(FileTest, WhatIsNoFileIsNeitherReadNorReplaced) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0666), 0);
  for (const fs::path& no_file : {path("pipe"), fs::path("/dev/zero"), fs::path("/dev/null")}) {
    EXPECT_EQ(code_of([&] { read_text(no_file); }), "file.unreadable") << no_file;
    EXPECT_EQ(code_of([&] { MappedFile file(no_file); }), "file.unreadable") << no_file;
    EXPECT_EQ(code_of([&] { AtomicFile file(no_file); }), "file.unwritable") << no_file;
  }
}

TEST_F(FileTest, TextHasALimitAndFilesWithoutASizeAreRead) {
  write_file(path("huge"), "");
  fs::resize_file(path("huge"), kLongestText + 1);
  EXPECT_EQ(code_of([&] { read_text(path("huge")); }), "file.too_large");
  EXPECT_NE(read_text("/proc/self/status").find("VmRSS"), std::string::npos);
}

TEST_F(FileTest, WhatCannotBeReadSaysWhy) {
  EXPECT_EQ(code_of([&] { read_text(path("none")); }), "file.missing");
  EXPECT_EQ(code_of([&] { MappedFile file(path("none")); }), "file.missing");
  EXPECT_EQ(code_of([&] { read_text(path("")); }), "file.unreadable");
  EXPECT_EQ(code_of([&] { MappedFile file(path("")); }), "file.unreadable");
  write_file(path("empty"), "");
  EXPECT_EQ(read_text(path("empty")), "");
  EXPECT_EQ(code_of([&] { MappedFile file(path("empty")); }), "file.empty");
}

TEST_F(FileTest, APathThatIsTooLongIsAnErrorOfOurs) {
  const fs::path endless = path(std::string(5000, 'x'));
  EXPECT_EQ(code_of([&] { read_text(endless); }), "file.unreadable");
  EXPECT_EQ(code_of([&] { MappedFile file(endless); }), "file.unreadable");
  EXPECT_EQ(code_of([&] { AtomicFile file(endless); }), "file.unwritable");
}

}  // namespace
}  // namespace graftwork::core
