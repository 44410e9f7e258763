// Reading, mapping, and writing so that no half of a file is ever seen.
#include "graftwork/base/file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "graftwork/base/error.h"

namespace graftwork::core {
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

TEST_F(FileTest, AFullDiskIsToldAtTheWriteThatMeetsIt) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{1000, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  std::string report;
  try {
    AtomicFile file(path("a"));
    file.write(std::string(5'000'000, 'x'));
  } catch (const Error& error) {
    report = error.report();
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_NE(report.find("File too large"), std::string::npos) << report;
  EXPECT_NE(report.find("freeing disk space"), std::string::npos) << report;
  EXPECT_EQ(file_count(), 0u);
}

TEST_F(FileTest, WhatAKilledProcessLeftIsTakenOver) {
  write_file(path("a.graftwork-part"), "half of a longer file");
  write_file(path("a"), "whole");
  EXPECT_EQ(read_text(path("a")), "whole");
  EXPECT_EQ(file_count(), 1u);
}

TEST_F(FileTest, TwoWritersOfOneFileDoNotMix) {
  AtomicFile first(path("a"));
  AtomicFile second(path("a"));
  EXPECT_NE(first.temporary(), second.temporary());
  first.write("first");
  second.write("second");
  first.commit();
  EXPECT_EQ(read_text(path("a")), "first");
  second.commit();
  EXPECT_EQ(read_text(path("a")), "second");
  EXPECT_EQ(file_count(), 1u);
}

TEST_F(FileTest, ManySmallWritesAndLargeOnesKeepTheirOrder) {
  std::string expected;
  AtomicFile file(path("a"));
  for (int i = 0; i < 3000; ++i) {
    const std::string piece(i % 7 == 0 ? 5000 : 3, static_cast<char>('a' + i % 26));
    file.write(piece);
    expected += piece;
  }
  file.write(std::string(3'000'000, 'z'));
  file.write("end");
  file.commit();
  EXPECT_TRUE(read_text(path("a")) == expected + std::string(3'000'000, 'z') + "end");
}

TEST_F(FileTest, ALinkStaysALinkAndModesStay) {
  write_file(path("target"), "old");
  fs::permissions(path("target"), fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink("target", path("link"));
  write_file(path("link"), "new");
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(read_text(path("target")), "new");
  EXPECT_EQ(fs::status(path("target")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink("not there yet", path("dangling"));
  write_file(path("dangling"), "made");
  EXPECT_EQ(read_text(path("not there yet")), "made");
  fs::create_symlink("loop", path("loop"));
  EXPECT_EQ(code_of([&] { AtomicFile file(path("loop")); }), "file.unwritable");
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

TEST_F(FileTest, WhatCannotBeWrittenSaysSoBeforeAnythingIsDone) {
  EXPECT_EQ(code_of([&] { AtomicFile file(path("")); }), "file.unwritable");
  EXPECT_EQ(code_of([&] { AtomicFile file(path("no/such/folder")); }), "file.unwritable");
  EXPECT_EQ(file_count(), 0u);
}

}  // namespace
}  // namespace graftwork::core
