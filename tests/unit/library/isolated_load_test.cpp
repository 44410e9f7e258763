// Loading what a helper program has tried first. Nothing but public headers is included.
#include <graftwork/graftwork.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

namespace graftwork::testing {
namespace {

namespace fs = std::filesystem;

class IsolatedLoad : public ::testing::Test {
 protected:
  IsolatedLoad() { fs::create_directories(folder_); }
  ~IsolatedLoad() override { fs::remove_all(folder_); }

  static fs::path good() { return fs::path(GRAFTWORK_TEST_DATA) / "pt2" / "torch_2.8.pt2"; }

  /// A program in the helper's place.
  fs::path helper(const std::string& script) const {
    const fs::path path = folder_ / "helper";
    std::ofstream(path) << "#!/bin/sh\n" << script;
    fs::permissions(path, fs::perms::owner_all);
    return path;
  }

  /// The report of loading with this helper; empty where it was loaded.
  static std::string report(const fs::path& file, const fs::path& helper = {}) {
    try {
      load(file, {.isolated = true, .helper = helper});
    } catch (const Error& error) {
      return error.report();
    }
    return {};
  }

  fs::path folder_ = fs::temp_directory_path() / ("graftwork_isolated_load_" + std::to_string(::getpid()));
};

TEST_F(IsolatedLoad, GivesTheSameNetwork) {
  EXPECT_EQ(load(good(), {.isolated = true}).graph().text(), load(good()).graph().text());
}

TEST_F(IsolatedLoad, ThrowsWhatTheHelperEndedWith) {
  const fs::path cut = folder_ / "-cut.pt2";  // no option
  fs::copy_file(good(), cut);
  fs::resize_file(cut, fs::file_size(cut) / 2);
  for (const fs::path& file : {cut, folder_ / "none.pt2"}) {
    std::string alone;
    try {
      load(file);
    } catch (const Error& error) {
      alone = error.report();
    }
    EXPECT_NE(alone, "");
    EXPECT_EQ(report(file), alone);
  }
  const std::string text = "error[model.crash]: it crashed\\n      in two lines\\n  at  a\\n  at  b\\n  try another";
  EXPECT_EQ(report(good(), helper("echo 'warning: first' >&2; printf '" + text + "\\n' >&2; exit 1")),
            "error[model.crash]: it crashed\n      in two lines\n  at  a\n  at  b\n  try another");
}

TEST_F(IsolatedLoad, AHelperThatIsOfNoUseIsSaid) {
  EXPECT_TRUE(report(good(), folder_ / "none").starts_with("error[process.helper]: " + (folder_ / "none").string()));
  EXPECT_NE(report(good(), helper("echo odd >&2; exit 3")).find("ended with status 3: odd"), std::string::npos);
  EXPECT_TRUE(report(good(), helper("kill -KILL $$")).starts_with("error[process.killed]"));
  // One of another version, which does not know what it is told.
  EXPECT_TRUE(report(good(), helper("echo 'error[usage]: no' >&2; exit 2")).starts_with("error[process.helper]"));
}

TEST_F(IsolatedLoad, ACallerMayIgnoreItsChildren) {
  auto* const before = std::signal(SIGCHLD, SIG_IGN);
  EXPECT_EQ(report(good()), "");
  EXPECT_EQ(report(good(), helper("echo 'error[model.crash]: it crashed' >&2; exit 1")),
            "error[model.crash]: it crashed");
  EXPECT_TRUE(report(good(), helper("kill -KILL $$")).starts_with("error[process.killed]"));
  EXPECT_TRUE(report(good(), helper("kill -KILL $PPID")).starts_with("error[process.killed]"));
  std::signal(SIGCHLD, before);
}

TEST_F(IsolatedLoad, WhatTheHelperSaysIsNotHowItEnded) {
  EXPECT_NE(report(good(), helper("printf '\nstatus 0\n' >&2; exit 3")).find("ended with status 3"), std::string::npos);
  EXPECT_TRUE(report(good(), helper("printf '\nstatus 0\n' >&2; yes | head -c 2000000 >&2; exit 0"))
                  .starts_with("error[process.helper]"));
}

TEST_F(IsolatedLoad, TheHelperHasNothingOfTheCaller) {
  // Standard streams and what the shell opens; a descriptor of the test's own is not among them.
  const int own = ::dup(STDERR_FILENO);
  ASSERT_EQ(::dup2(own, 77), 77);
  EXPECT_EQ(report(good(), helper("test -e /proc/self/fd/77 && exit 3; exit 0")), "");
  ::close(77);
  ::close(own);
}

TEST_F(IsolatedLoad, AFileThatIsWrittenToMeanwhileIsNotLoaded) {
  const fs::path file = folder_ / "m.pt2";
  fs::copy_file(good(), file);
  EXPECT_TRUE(report(file, helper("touch -d 2001-01-01 " + file.string())).starts_with("error[file.changed]"));
}

}  // namespace
}  // namespace graftwork::testing
