#include "graftwork/library/helper_program.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "graftwork/base/error.h"
#include "graftwork/base/file_state.h"
#include "graftwork/base/text.h"
#include "graftwork/library/reported_error.h"

namespace graftwork::detail {
namespace {

namespace fs = std::filesystem;
using core::cat;

constexpr size_t kMostText = size_t{1} << 20;  // of what the helper says

/// Runs the helper and says how it ended, where the caller can read it: one that ignores SIGCHLD, or waits for any
/// child of its own, is told nothing by the system. The helper's words are arguments, never text of this.
constexpr const char* kShell = "/bin/sh";
constexpr const char* kScript = R"("$@"; printf '\nstatus %d\n' $? >&2)";
constexpr std::string_view kStatus = "\nstatus ";
constexpr int kSignal = 128;  // and the number of a signal, in a shell's status

[[noreturn]] void fail(const std::string& what) {
  throw Error(
      "process.helper", what,
      "installing the command beside the library, or LoadOptions::helper, the graftwork command of this version");
}

/// The file that holds the code at `address`.
fs::path library_of(const void* address) {
  Dl_info found{};
  if (!::dladdr(address, &found) || !found.dli_fname) return {};
  std::error_code unreadable;
  const fs::path path = fs::canonical(found.dli_fname, unreadable);
  return unreadable ? fs::path() : path;
}

/// PREFIX/bin/graftwork, for a library in PREFIX/lib or a folder in it.
fs::path installed_command() {
  constexpr int kMostLevels = 3;
  const fs::path library = library_of(reinterpret_cast<const void*>(&open_in_helper));
  fs::path folder = library;
  for (int i = 0; i < kMostLevels; ++i) {
    folder = folder.parent_path();
    const fs::path command = folder / "bin" / "graftwork";
    if (::access(command.c_str(), X_OK) == 0) return command;
  }
  fail(cat("there is no command bin/graftwork above ", library.string()));
}

/// The helper is to open the file with the torch that this process has, unless its environment says otherwise.
std::vector<std::string> environment() {
  std::vector<std::string> variables;
  for (char** one = environ; one && *one; ++one) variables.emplace_back(*one);
  const fs::path torch = library_of(reinterpret_cast<const void*>(&at::get_num_threads)).parent_path().parent_path();
  std::error_code absent;
  if (!std::getenv("GRAFTWORK_TORCH") && fs::exists(torch / "lib" / "libtorch_cpu.so", absent))
    variables.push_back("GRAFTWORK_TORCH=" + torch.string());
  return variables;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) fail("there is no pipe: " + std::generic_category().message(errno));
  }
  ~Pipe() {
    ::close(ends_[0]);
    close_writing();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int writing() const { return ends_[1]; }
  void close_writing() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }
  /// Until whoever writes has ended; no more than kMostText of it.
  std::string read_all() const {
    std::string text;
    std::array<char, 4096> part{};
    while (true) {
      const ssize_t count = ::read(ends_[0], part.data(), part.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return text;
      if (text.size() < kMostText) text.append(part.data(), static_cast<size_t>(count));
    }
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

/// Signals as a program expects them that has just been started.
class FreshSignals {
 public:
  FreshSignals() {
    ::posix_spawnattr_init(&attributes_);
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~FreshSignals() { ::posix_spawnattr_destroy(&attributes_); }
  FreshSignals(const FreshSignals&) = delete;
  FreshSignals& operator=(const FreshSignals&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

/// Nothing of this process but its standard error's place, which is the pipe.
class FewDescriptors {
 public:
  explicit FewDescriptors(int error) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_adddup2(&actions_, error, STDERR_FILENO);
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
  }
  ~FewDescriptors() { ::posix_spawn_file_actions_destroy(&actions_); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

/// Takes the status away from the end of what was said; nothing where the shell was ended.
std::optional<int> take_status(std::string& text) {
  const size_t begin = text.rfind(kStatus);
  if (begin == std::string::npos) return std::nullopt;
  const char* const end = text.data() + text.size();
  int status = 0;
  const auto [rest, error] = std::from_chars(text.data() + begin + kStatus.size(), end, status);
  if (error != std::errc() || rest + 1 != end || *rest != '\n') return std::nullopt;
  text.resize(begin);
  return status;
}

/// Leaves nothing of it, unless somebody else has seen to that.
void bury(pid_t child) {
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) continue;
}

}  // namespace

void open_in_helper(const fs::path& file, const fs::path& command) {
  const std::optional<core::FileState> before = core::FileState::of(file);
  const fs::path program = fs::absolute(command.empty() ? installed_command() : command);
  // What begins with a dash is an option.
  const std::string name = file.native().starts_with('-') ? "./" + file.string() : file.string();
  if (::access(program.c_str(), X_OK) != 0)
    fail(cat(program.string(), " cannot be started: ", std::generic_category().message(errno)));
  std::vector<std::string> arguments{kShell, "-c", kScript, kShell, program.string(), "inspect", "--quiet", name};
  std::vector<std::string> variables = environment();
  Pipe said;
  pid_t child = 0;
  const int failure = ::posix_spawn(&child, kShell, FewDescriptors(said.writing()).get(), FreshSignals().get(),
                                    pointers(arguments).data(), pointers(variables).data());
  if (failure != 0) fail(cat(kShell, " cannot be started: ", std::generic_category().message(failure)));
  said.close_writing();
  std::string text = said.read_all();
  bury(child);
  if (text.size() >= kMostText) fail(program.string() + " says more than any command of graftwork does");
  const std::optional<int> status = take_status(text);
  if (status == 0) {
    if (core::FileState::of(file) != before)
      throw Error("file.changed", file.string() + " was written to while it was tried", "trying it again");
    return;
  }
  if (const auto error = reported_error(text); error && error->code() != "usage") throw Error(*error);
  if (!status || *status > kSignal) throw Error("process.killed", "the helper was ended by somebody").at(file.string());
  fail(cat(program.string(), " ended with status ", *status, text.empty() ? "" : ": " + text));
}

}  // namespace graftwork::detail
