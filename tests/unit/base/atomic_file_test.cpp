// Writing so that no half of a file is ever seen.
#include "graftwork/base/atomic_file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <thread>
#include <vector>

#include "graftwork/base/file.h"
#include "graftwork/base/part_file.h"
#include "unit/base/file_testing.h"

namespace graftwork::core {
namespace {

namespace fs = std::filesystem;
using AtomicFileTest = testing::FileTest;

std::string report_of(const fs::path& path) {
  try {
    write_file(path, "new");
  } catch (const Error& error) {
    return error.report();
  }
  return "nothing was thrown";
}

/// Root may write to everything: what others may not is asked as one of them.
class AsSomebody {
 public:
  AsSomebody() : user_(::geteuid()) {
    if (user_ == 0) static_cast<void>(::seteuid(65534));
  }
  ~AsSomebody() { static_cast<void>(::seteuid(user_)); }
  AsSomebody(const AsSomebody&) = delete;
  AsSomebody& operator=(const AsSomebody&) = delete;

 private:
  uid_t user_;
};

TEST_F(AtomicFileTest, AnUncommittedFileLeavesNothing) {
  {
    AtomicFile file(path("a"));
    file.write("half of it");
    EXPECT_TRUE(fs::exists(file.temporary()));
    EXPECT_FALSE(fs::exists(path("a")));
  }
  EXPECT_EQ(file_count(), 0u);
}

TEST_F(AtomicFileTest, TheOldFileStaysUntilTheCommit) {
  write_file(path("a"), "old");
  AtomicFile file(path("a"));
  file.write("new");
  EXPECT_EQ(read_text(path("a")), "old");
  file.commit();
  EXPECT_EQ(read_text(path("a")), "new");
  EXPECT_EQ(file_count(), 1u);
}

TEST_F(AtomicFileTest, ACommitThatFailsSaysSoAndLeavesNothing) {
  const auto commit_over_folder = [&] {
    AtomicFile file(path("a"));
    file.write("text");
    fs::create_directories(path("a") / "in the way");
    file.commit();
  };
  EXPECT_EQ(code_of(commit_over_folder), "file.unwritable");
  EXPECT_EQ(file_count(), 1u);  // the folder
}

TEST_F(AtomicFileTest, WhatDoesNotFitOnTheDiskIsAnErrorAndLeavesNothing) {
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

TEST_F(AtomicFileTest, AFullDiskIsToldAtTheWriteThatMeetsIt) {
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

TEST_F(AtomicFileTest, TwoWritersOfOneFileDoNotMix) {
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

TEST_F(AtomicFileTest, ManySmallWritesAndLargeOnesKeepTheirOrder) {
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

TEST_F(AtomicFileTest, ALinkStaysALinkAndModesStay) {
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

TEST_F(AtomicFileTest, WhatCannotBeWrittenSaysSoBeforeAnythingIsDone) {
  EXPECT_EQ(code_of([&] { AtomicFile file(path("")); }), "file.unwritable");
  EXPECT_EQ(code_of([&] { AtomicFile file(path("no/such/folder")); }), "file.unwritable");
  EXPECT_EQ(file_count(), 0u);
}

TEST_F(AtomicFileTest, WhatAKilledProcessLeftIsRemovedByTheNextWriter) {
  const fs::path left = path(part_name("a"));
  write_file(left, "half of a longer file");
  write_file(path(part_name("b")), "of another file");
  write_file(path("a"), "whole");
  EXPECT_FALSE(fs::exists(left));
  EXPECT_EQ(read_text(path("a")), "whole");
  EXPECT_EQ(file_count(), 2u);
}

TEST_F(AtomicFileTest, FilesOfSomebodyElsesAreNotTouchedWhateverTheyAreCalled) {
  const std::vector<std::string> names{"a.graftwork-part", "a.graftwork-part2",
                                       "a.0123456789abcdef01234567.graftwork-part", part_name("a") + "2",
                                       "b" + part_name("a")};
  for (const std::string& name : names) write_file(path(name), "somebody's");
  for (int i = 0; i < 3; ++i) write_file(path("a"), "ours");
  for (const std::string& name : names) EXPECT_EQ(read_text(path(name)), "somebody's") << name;
  EXPECT_EQ(file_count(), names.size() + 1);
}

TEST_F(AtomicFileTest, ALinkOfTheNameOfALeftoverIsNotFollowed) {
  write_file(path("victim"), "kept");
  fs::create_symlink("victim", path(part_name("a")));
  write_file(path("a"), "ours");
  EXPECT_EQ(read_text(path("victim")), "kept");
}

TEST_F(AtomicFileTest, NamesOfPartsAreTheirOwn) {
  EXPECT_NE(part_name("a"), part_name("a"));
  for (const std::string& name : {std::string("a"), std::string("a.b"), std::string(255, 'x')}) {
    EXPECT_TRUE(is_part_of(part_name(name), name));
    EXPECT_LE(part_name(name).size(), 255U);
    EXPECT_FALSE(is_part_of(part_name(name), name + "y"));
    write_file(path(name), "whole");
  }
  EXPECT_EQ(file_count(), 3u);
}

TEST_F(AtomicFileTest, AFileThatIsWriteProtectedIsNotReplaced) {
  write_file(path("a"), "old");
  fs::permissions(path("a"), fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read);
  fs::permissions(path(""), fs::perms::all);
  fs::create_symlink("a", path("link"));
  for (const char* name : {"a", "link"}) {
    const AsSomebody user;
    EXPECT_NE(report_of(path(name)).find("a: Permission denied\n  try "), std::string::npos) << report_of(path(name));
  }
  EXPECT_EQ(read_text(path("a")), "old");
  EXPECT_EQ(file_count(), 2u);
}

TEST_F(AtomicFileTest, AFileOfSomebodyElseInAStickyFolderIsRefusedAtOnce) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs two users";
  write_file(path("a"), "old");
  fs::permissions(path("a"),
                  fs::perms::owner_read | fs::perms::owner_write | fs::perms::others_read | fs::perms::others_write);
  fs::permissions(path(""), fs::perms::all | fs::perms::sticky_bit);
  {
    const AsSomebody user;
    EXPECT_EQ(code_of([&] { const AtomicFile probe(path("a")); }), "file.unwritable");
    write_file(path("own"), "first");
    write_file(path("own"), "second");
  }
  EXPECT_EQ(read_text(path("own")), "second");
  write_file(path("a"), "of root");
  EXPECT_EQ(file_count(), 2u);
}

TEST_F(AtomicFileTest, ThePartOfAFileOfFewIsNeverForMore) {
  const OutputFolder folder(path(""));
  std::string part;
  const int fd = make_part(folder, "a", 0600, part);
  ASSERT_GE(fd, 0);
  ::close(fd);
  EXPECT_EQ(fs::status(path(part)).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(AtomicFileTest, WhatHasNoNameIsSaidToHaveNone) {
  write_file(path("gone"), "text");
  const int file = ::open(path("gone").c_str(), O_RDONLY | O_CLOEXEC);
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const auto of = [](int fd) { return report_of("/proc/self/fd/" + std::to_string(fd)); };
  EXPECT_EQ(of(file), "nothing was thrown") << "it has one still";
  EXPECT_EQ(read_text(path("gone")), "new");
  EXPECT_NE(of(file).find(": it is a file without a name\n"), std::string::npos) << "that one was replaced";
  EXPECT_NE(of(ends[1]).find(": it is a pipe\n"), std::string::npos);
  for (const int fd : {file, ends[0], ends[1]}) ::close(fd);
  EXPECT_EQ(file_count(), 1u);
}

TEST_F(AtomicFileTest, AFileBesideAnotherFollowsNoLinkAndIsForTheSamePeople) {
  write_file(path("a"), "old");
  fs::permissions(path("a"), fs::perms::owner_read | fs::perms::owner_write);
  fs::create_directories(path("elsewhere"));
  fs::create_symlink("elsewhere/x", path("b"));
  const AtomicFile file(path("a"));
  AtomicFile beside(file, "b");
  beside.write("ours");
  beside.commit_as("b");
  EXPECT_FALSE(fs::is_symlink(path("b")));
  EXPECT_EQ(read_text(path("b")), "ours");
  EXPECT_EQ(fs::status(path("b")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_TRUE(fs::is_empty(path("elsewhere")));
}

/// A link, or a folder above, that is changed while the file is written takes it nowhere else.
TEST_F(AtomicFileTest, WhatIsChangedMeanwhileLeadsNowhereElse) {
  fs::create_directories(path("one"));
  fs::create_directories(path("two"));
  write_file(path("two/a"), "kept");
  fs::create_directory_symlink("one", path("way"));
  AtomicFile through_folder(path("way/a"));
  fs::remove(path("way"));
  fs::create_directory_symlink("two", path("way"));
  through_folder.write("ours");
  through_folder.commit();
  EXPECT_EQ(read_text(path("one/a")), "ours");
  EXPECT_EQ(read_text(path("two/a")), "kept");

  AtomicFile through_name(path("one/b"));
  fs::create_symlink("../two/a", path("one/b"));
  through_name.write("ours");
  through_name.commit();
  EXPECT_FALSE(fs::is_symlink(path("one/b")));
  EXPECT_EQ(read_text(path("two/a")), "kept");
}

TEST_F(AtomicFileTest, ALockOfAFolderIsHeldByOneAndLeavesNothing) {
  const OutputFolder folder(path(""));
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  const auto work = [&] {
    for (int i = 0; i < 50; ++i) {
      const OutputFolder::Lock lock(folder);
      EXPECT_TRUE(lock.is_held());
      most = std::max<int>(most, ++inside);
      std::this_thread::yield();
      --inside;
    }
  };
  std::thread other(work);
  work();
  other.join();
  EXPECT_EQ(most, 1);
  EXPECT_EQ(file_count(), 0u);
}

}  // namespace
}  // namespace graftwork::core
