// How far calibration is, on standard error: a bar on a terminal, two lines elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace graftwork::cli {

/// "calibrating [#####---------------]  16/64  12.3 samples/s  4 s left", at most `columns` wide.
std::string progress_text(int64_t done, int64_t total, double seconds, size_t columns);

/// One calibration. Not for several threads at once.
class ProgressBar {
 public:
  explicit ProgressBar(bool quiet);
  /// Ends a bar that is still open, so that an error message starts on its own line.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void update(int64_t done, int64_t total);

 private:
  using Clock = std::chrono::steady_clock;
  double seconds_since(Clock::time_point then) const;
  void draw(int64_t done, int64_t total);

  bool quiet_;
  bool on_terminal_;
  bool bar_open_ = false;
  bool started_ = false;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point drawn_;
};

}  // namespace graftwork::cli
