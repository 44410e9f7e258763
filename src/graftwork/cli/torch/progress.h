// How far long work is, on standard error: a bar on a terminal, two lines elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace graftwork::core::cli {

/// What is done, and with how many of what.
struct ProgressWords {
  std::string doing = "calibrating";
  std::string done = "calibrated";
  std::string unit = "sample";
};

/// "calibrating [#####---------------]  16/64  12.3 samples/s  4 s left", at most `columns` wide. `before`: what was
/// done already when the seconds began.
std::string progress_text(const ProgressWords& words, int64_t done, int64_t total, int64_t before, double seconds,
                          size_t columns);

/// One piece of work. Not for several threads at once.
class ProgressBar {
 public:
  explicit ProgressBar(bool quiet, ProgressWords words = {});
  /// Ends a bar that is still open, so that an error message starts on its own line.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// So much was done before this began.
  void resume(int64_t done) { before_ = done; }
  void update(int64_t done, int64_t total);

 private:
  using Clock = std::chrono::steady_clock;
  double seconds_since(Clock::time_point then) const;
  void draw(int64_t done, int64_t total);

  ProgressWords words_;
  bool quiet_;
  bool on_terminal_;
  bool bar_open_ = false;
  bool started_ = false;
  int64_t before_ = 0;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point drawn_;
};

}  // namespace graftwork::core::cli
