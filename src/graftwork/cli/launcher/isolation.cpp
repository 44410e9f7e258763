#include "graftwork/cli/launcher/isolation.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>
#include <system_error>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/cli/output/guard.h"

namespace graftwork::core::cli {
namespace {

/// What is passed on to the child.
constexpr int kPassedOn[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

sigset_t waited_for() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGCHLD);
  for (const int signal : kPassedOn) ::sigaddset(&set, signal);
  return set;
}

/// Does with this process what `signal` does to one that does not expect it.
void suffer(int signal) {
  std::signal(signal, SIG_DFL);
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, signal);
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
  ::raise(signal);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
}

/// Ends by `signal`, as whoever waits for this process is to see.
[[noreturn]] void end_by(int signal) {
  suffer(signal);
  std::_Exit(128 + signal);
}

/// What the child was to work on.
struct Work {
  const std::filesystem::path& model;
  const CommandFiles& files;
};

Error death(const Work& work, int signal, const ChildProgress& progress) {
  const std::filesystem::path& model = work.model;
  const std::string what = progress.has_opened ? "working with it" : "opening it";
  const char* const name = ::strsignal(signal);
  const std::string how = name ? name : cat("signal ", signal);
  if (!progress.has_libraries && signal != SIGKILL && signal != SIGXCPU) {
    return Error("build.torch", cat("opening the libraries of torch ended in a crash of the process (", how, ")"),
                 "installing torch and graftwork again: a library is damaged");
  }
  // A file that is cut short while it is mapped ends whoever reads on, one that is written over gives any numbers.
  const std::optional<std::filesystem::path> changed = signal == SIGKILL ? std::nullopt : work.files.changed();
  if (changed || signal == SIGBUS) {
    return Error("file.changed", cat(changed.value_or(model).string(), " changed while it was read"),
                 "writing files under another name, and renaming them once they are whole");
  }
  switch (signal) {
    case SIGXCPU:
      return Error("model.time", cat(model.string(), ": ", what, " took longer than it may"),
                   "not using it unless you know who made it; then --no-isolation opens it without a limit");
    case SIGKILL:
      return Error("process.killed", cat(model.string(), ": the system ended the command while ", what),
                   "more memory, or fewer threads (OMP_NUM_THREADS=1)");
    default:
      return Error("model.crash", cat(model.string(), ": ", what, " ended in a crash of the process (", how, ")"),
                   "not using it: it is damaged, or made to do harm. If it is neither, please report it with the file");
  }
}

[[noreturn]] void end_as(int status, const Work& work, const ChildProgress& progress) {
  if (WIFEXITED(status)) std::_Exit(WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  for (const int passed_on : kPassedOn) {
    if (signal == passed_on) end_by(signal);
  }
  std::_Exit(guarded([&] { throw death(work, signal, progress); }));
}

[[noreturn]] void supervise(pid_t child, const Work& work, const ChildProgress& progress) {
  const sigset_t set = waited_for();
  while (true) {
    int status = 0;
    if (::waitpid(child, &status, WNOHANG) == child) end_as(status, work, progress);
    siginfo_t info{};
    const int signal = ::sigwaitinfo(&set, &info);
    // What the terminal sends, it sends to the child too.
    if (signal > 0 && signal != SIGCHLD && info.si_code <= 0) ::kill(child, signal);
    if (signal == SIGTSTP) {
      suffer(signal);  // until somebody lets this process go on
      ::kill(child, SIGCONT);
    }
  }
}

}  // namespace

ChildProgress* continue_in_child(const std::filesystem::path& model, const CommandFiles& files) {
  void* const shared =
      ::mmap(nullptr, sizeof(ChildProgress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared != MAP_FAILED) new (shared) ChildProgress();
  std::fflush(nullptr);
  const sigset_t set = waited_for();
  sigset_t before;
  ::sigprocmask(SIG_BLOCK, &set, &before);
  const pid_t parent = ::getpid();
  const pid_t child = shared == MAP_FAILED ? -1 : ::fork();
  if (child < 0) {
    const int error = errno;
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    throw Error("process.fork", "cannot start a process of its own: " + std::generic_category().message(error),
                "--no-isolation, for files of people whom you trust");
  }
  auto* const progress = static_cast<ChildProgress*>(shared);
  if (child > 0) supervise(child, {model, files}, *progress);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) std::_Exit(kFailure);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  return progress;
}

}  // namespace graftwork::core::cli
