#include "graftwork/cli/output/watched_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <thread>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/data/sample_files.h"

namespace graftwork::core::cli {
namespace {

using Path = std::filesystem::path;

/// Whoever has had a file open for so long without writing to it is not about to.
constexpr int64_t kQuiet = 1'000'000'000;
constexpr int64_t kLongestWait = 5'000'000'000;

/// What file systems stamp files with.
int64_t now() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &time);
  return nanoseconds(time);
}

int64_t tick() {
  timespec time{};
  ::clock_getres(CLOCK_REALTIME_COARSE, &time);
  return nanoseconds(time);
}

/// Whether somebody has the file open for writing, where the system tells: it gives leases for reading to nobody else.
/// One write may take long, and the file is stamped when it begins.
bool is_being_written(const Path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return false;
  // The signal that tells of a writer who comes meanwhile; by itself it does nothing, but the usual one ends us.
  ::fcntl(fd, F_SETSIG, SIGURG);
  const bool refused = ::fcntl(fd, F_SETLEASE, F_RDLCK) != 0 && errno == EAGAIN;
  ::close(fd);
  return refused;
}

Error changed_error(const Path& path) {
  return Error("file.changed", path.string() + " changed while it was read",
               "the same again, once nothing writes to it any more");
}

std::vector<Path> files_of(const Path& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) return {path};
  try {
    SampleFiles samples = find_sample_files(path);
    samples.arrays.insert(samples.arrays.end(), samples.images.begin(), samples.images.end());
    return std::move(samples.arrays);
  } catch (const Error&) {
    return {};
  }
}

/// A state that any later write changes.
std::optional<FileState> settled_state(const Path& path) {
  const int64_t one_tick = tick();
  const int64_t end = now() + kLongestWait;
  while (true) {
    const int64_t before = now();
    const std::optional<FileState> state = FileState::of(path);
    if (!state) return state;
    const int64_t age = before - state->changed_at();
    // A stamp from the future is another clock's, which says nothing of ticks; one may have been made since `before`.
    if (age > kQuiet || state->changed_at() > now() + one_tick) return state;
    if (age > 0 && !is_being_written(path) && FileState::of(path) == state) return state;
    if (before > end) throw changed_error(path);
    std::this_thread::sleep_for(std::chrono::nanoseconds(one_tick));
  }
}

}  // namespace

WatchedFiles::WatchedFiles(const std::vector<Path>& paths) {
  for (const Path& path : paths) {
    for (Path& file : files_of(path)) {
      if (const std::optional<FileState> state = settled_state(file)) files_.push_back({std::move(file), path, *state});
    }
  }
}

std::optional<Path> WatchedFiles::changed() const {
  for (const Watched& file : files_) {
    if (FileState::of(file.path) != file.state) return file.path;
  }
  return std::nullopt;
}

void WatchedFiles::check_unchanged() const {
  if (const std::optional<Path> path = changed()) throw changed_error(*path);
}

std::optional<Path> WatchedFiles::source_of(const FileState& file) const {
  const auto found =
      std::ranges::find_if(files_, [&](const Watched& watched) { return watched.state.is_same_file(file); });
  if (found == files_.end()) return std::nullopt;
  return found->source;
}

}  // namespace graftwork::core::cli
