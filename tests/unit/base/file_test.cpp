// Reading, mapping, and writing so that no half of a file is ever seen.
#include "graftwork/base/file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "graftwork/base/error.h"

namespace graftwork {
namespace {

namespace fs = std::filesystem;

class FileTest : public ::testing::Test {
 protected:
  FileTest() : folder_(fs::temp_directory_path() / ("graftwork_file_test_" + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~FileTest() override { fs::remove_all(folder_); }

  fs::path path(const std::string& name) const { return folder_ / name; }
  size_t file_count() const { return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), {})); }

  template <class Action>
  static std::string code_of(Action&& action) {
    try {
      action();
    } catch (const Error& error) {
      return error.code();
    }
    return "nothing was thrown";
  }

 private:
  fs::path folder_;
};

TEST_F(FileTest, WhatIsWrittenIsRead) {
  const std::string bytes("a\0b\nc", 5);
  write_file(path("a"), bytes);
  EXPECT_EQ(read_text(path("a")), bytes);
  const MappedFile mapped(path("a"));
  ASSERT_EQ(mapped.bytes().size(), 5u);
  EXPECT_EQ(std::memcmp(mapped.bytes().data(), bytes.data(), 5), 0);
  EXPECT_EQ(file_count(), 1u);
}

TEST_F(FileTest, AnUncommittedFileLeavesNothing) {
  {
    AtomicFile file(path("a"));
    file.write("half of it");
    EXPECT_TRUE(fs::exists(file.temporary()));
    EXPECT_FALSE(fs::exists(path("a")));
  }
  EXPECT_EQ(file_count(), 0u);
}

TEST_F(FileTest, TheOldFileStaysUntilTheCommit) {
  write_file(path("a"), "old");
  AtomicFile file(path("a"));
  file.write("new");
  EXPECT_EQ(read_text(path("a")), "old");
  file.commit();
  EXPECT_EQ(read_text(path("a")), "new");
  EXPECT_EQ(file_count(), 1u);
}

TEST_F(FileTest, ACommitThatFailsSaysSoAndLeavesNothing) {
  const auto commit_over_folder = [&] {
    AtomicFile file(path("a"));
    file.write("text");
    fs::create_directories(path("a") / "in the way");
    file.commit();
  };
  EXPECT_EQ(code_of(commit_over_folder), "file.unwritable");
  EXPECT_EQ(file_count(), 1u);  // the folder
}

TEST_F(FileTest, WhatDoesNotFitOnTheDiskIsAnErrorAndLeavesNothing) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{1000, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const std::string code = code_of([&] { write_file(path("a"), std::string(100'000, 'x')); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(code, "file.unwritable");
  EXPECT_EQ(file_count(), 0u);
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

TEST_F(FileTest, WhatCannotBeWrittenSaysSoBeforeAnythingIsDone) {
  EXPECT_EQ(code_of([&] { AtomicFile file(path("")); }), "file.unwritable");
  EXPECT_EQ(code_of([&] { AtomicFile file(path("no/such/folder")); }), "file.unwritable");
  EXPECT_EQ(file_count(), 0u);
}

}  // namespace
}  // namespace graftwork
