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

/// What the system holds to a limit it counts by ticks of its clock, and tells without what a machine below it took
/// away, a sixth where that is busy: this part of a limit is the limit.
constexpr double kCounted = 0.7;

/// At the hard limit, by which a process ends as it does when the system is out of memory.
constexpr double kCountedAtLast = 0.95;

constexpr double kMicro = 1e-6;

/// A parent that ignores a signal for us (nohup, a shell without job control) wants that kept.
bool is_ignored(int signal) {
  struct sigaction action {};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

sigset_t waited_for() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGCHLD);
  for (const int signal : kPassedOn) {
    if (!is_ignored(signal)) ::sigaddset(&set, signal);
  }
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

/// How the child ended, and what it had taken by then.
struct End {
  int status = 0;
  rusage usage{};

  bool has_reached(rlim_t seconds, double part) const {
    const auto in_seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + kMicro * static_cast<double>(time.tv_usec);
    };
    const double used = in_seconds(usage.ru_utime) + in_seconds(usage.ru_stime);
    return seconds != RLIM_INFINITY && used >= part * static_cast<double>(seconds);
  }
};

/// Whether it was the user's own limit of processor time: this process has it too. The limit that opening a file has
/// may be lower, and is gone afterwards.
bool is_out_of_time(const End& end, bool has_opened) {
  rlimit limit{};
  ::getrlimit(RLIMIT_CPU, &limit);
  switch (WTERMSIG(end.status)) {
    case SIGXCPU:
      return has_opened || end.has_reached(limit.rlim_cur, kCounted);
    case SIGKILL:
      return end.has_reached(limit.rlim_max, kCountedAtLast);
    default:
      return false;
  }
}

Error death(const Work& work, const End& end, const ChildProgress& progress) {
  const int signal = WTERMSIG(end.status);
  const std::filesystem::path& model = work.model;
  const std::string what = progress.has_opened ? "working with it" : "opening it";
  const char* const name = ::strsignal(signal);
  const std::string how = name ? name : cat("signal ", signal);
  if (is_out_of_time(end, progress.has_opened)) {
    return Error("process.time",
                 cat(model.string(), ": the limit of processor time (ulimit -t) was reached while ", what),
                 "a higher limit, or less work: fewer samples, a smaller network");
  }
  if (!progress.has_libraries && signal != SIGKILL && signal != SIGXCPU) {
    return Error("build.torch", cat("opening the libraries of torch ended in a crash of the process (", how, ")"),
                 "installing torch and graftwork again: a library is damaged");
  }
  // A file that is cut short while it is mapped ends whoever reads on, one that is written over gives any numbers.
  const std::optional<std::filesystem::path> changed = signal == SIGKILL ? std::nullopt : work.files.changed();
  if (changed) {
    return Error("file.changed", changed->string() + " changed while it was read",
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

[[noreturn]] void end_with(const Error& error) {
  std::_Exit(guarded([&] { throw error; }));
}

[[noreturn]] void end_as(const End& end, const Work& work, const ChildProgress& progress) {
  if (WIFEXITED(end.status)) {
    if (!progress.is_in_library) std::_Exit(WEXITSTATUS(end.status));
    // OpenMP does so where it gets no threads.
    end_with(Error("process.ended", cat("a library ended the command with status ", WEXITSTATUS(end.status)),
                   "what it said above; OMP_NUM_THREADS=1, and no OMP_STACKSIZE, take least"));
  }
  work.files.remove_leftovers();
  for (const int passed_on : kPassedOn) {
    if (WTERMSIG(end.status) == passed_on) end_by(passed_on);
  }
  end_with(death(work, end, progress));
}

[[noreturn]] void supervise(pid_t child, const Work& work, const ChildProgress& progress) {
  const sigset_t set = waited_for();
  while (true) {
    End end;
    const pid_t ended = ::wait4(child, &end.status, WNOHANG, &end.usage);
    if (ended == child) end_as(end, work, progress);
    // Its number may be another's by now: nothing is sent to it.
    if (ended < 0 && errno != EINTR)
      end_with(Error("process.wait", "the command's own process is lost: " + std::generic_category().message(errno)));
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
