// Runs the command many times without starting it many times: libgraftwork_torch.so is opened once, every request is a
// fork that behaves as `graftwork ARGUMENTS` does from its first line on.
//
// A request is one line, fields separated by tabs: the folder to run in, a path for standard output, one for standard
// error, then the arguments; the seconds that each may take are the server's own argument. The answer is one line: the
// exit status (or the negative number of the signal that ended it), seconds on the clock, seconds of processor time,
// and the most KiB that were resident.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "graftwork/cli/launcher/command_line.h"

namespace {

constexpr rlim_t kMostAddresses = rlim_t{64} << 30;  // saves the machine; the tests demand far less
constexpr double kMicro = 1e-6;

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> fields;
  size_t begin = 0;
  for (size_t tab = line.find('\t'); tab != std::string::npos; tab = line.find('\t', begin)) {
    fields.push_back(line.substr(begin, tab - begin));
    begin = tab + 1;
  }
  fields.push_back(line.substr(begin));
  return fields;
}

void redirect(const std::string& path, int onto) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0666);
  if (fd < 0 || ::dup2(fd, onto) < 0) ::_exit(126);
  ::close(fd);
}

[[noreturn]] void become_command(const std::vector<std::string>& fields, unsigned most_seconds) {
  redirect("/dev/null", STDIN_FILENO);
  redirect(fields[1], STDOUT_FILENO);
  redirect(fields[2], STDERR_FILENO);
  if (::chdir(fields[0].c_str()) != 0) ::_exit(126);
  rlimit addresses{};
  ::getrlimit(RLIMIT_AS, &addresses);
  addresses.rlim_cur = std::min(addresses.rlim_cur, kMostAddresses);
  ::setrlimit(RLIMIT_AS, &addresses);
  ::alarm(most_seconds);
  std::vector<const char*> arguments{"graftwork"};
  for (size_t i = 3; i < fields.size(); ++i) arguments.push_back(fields[i].c_str());
  arguments.push_back(nullptr);
  const int status = graftwork::core::cli::run_command_line(static_cast<int>(arguments.size()) - 1, arguments.data());
  std::fflush(nullptr);
  ::_exit(status);
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + kMicro * static_cast<double>(time.tv_usec);
}

void answer(const std::vector<std::string>& fields, unsigned most_seconds) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  const pid_t child = ::fork();
  if (child == 0) become_command(fields, most_seconds);
  int status = 0;
  rusage usage{};
  if (child < 0 || ::wait4(child, &status, 0, &usage) != child) std::exit(1);
  const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
  std::cout << (WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status)) << ' ' << elapsed << ' '
            << seconds(usage.ru_utime) + seconds(usage.ru_stime) << ' ' << usage.ru_maxrss << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  const int most_seconds = argc == 2 ? std::atoi(argv[1]) : 0;
  if (most_seconds < 1) return 2;
  // In a build without torch there is none to open, and the command says so itself.
  static_cast<void>(::dlopen("$ORIGIN/../lib/graftwork/libgraftwork_torch.so", RTLD_LAZY | RTLD_LOCAL));
  for (std::string line; std::getline(std::cin, line);) answer(split(line), static_cast<unsigned>(most_seconds));
}
