#include "graftwork/cli/torch/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "graftwork/base/number_text.h"
#include "graftwork/base/text.h"

namespace graftwork::core::cli {
namespace {

constexpr double kSecondsBetweenDrawings = 0.1;
constexpr size_t kLongestBar = 30;
constexpr size_t kShortestBar = 5;
constexpr size_t kColumnsForFigures = 60;

size_t terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<int64_t>(std::ceil(seconds));
  if (whole < 60) return cat(whole, " s");
  if (whole < 3600) return cat(whole / 60, " min ", whole % 60, " s");
  return cat(whole / 3600, " h ", whole % 3600 / 60, " min");
}

}  // namespace

std::string progress_text(const ProgressWords& words, int64_t done, int64_t total, int64_t before, double seconds,
                          size_t columns) {
  const std::string all = std::to_string(total);
  const std::string now = std::to_string(done);
  std::string figures = cat(std::string(all.size() - now.size(), ' '), now, "/", all);
  if (done > before && seconds > 0) {
    const double rate = static_cast<double>(done - before) / seconds;
    figures += cat("  ", fixed(rate, 1), " ", words.unit, "s/s");
    if (done < total) figures += cat("  ", duration_text(static_cast<double>(total - done) / rate), " left");
  }
  const std::string label = words.doing + " ";
  const std::string plain = label + figures;
  if (columns < kColumnsForFigures + kShortestBar) return plain.substr(0, columns);
  // Of the terminal's width alone, so that the bar keeps its length while the figures grow and shrink.
  const size_t width = std::min(kLongestBar, columns - kColumnsForFigures);
  const size_t filled = width * static_cast<size_t>(done) / static_cast<size_t>(std::max<int64_t>(total, 1));
  return cat(label, "[", std::string(filled, '#'), std::string(width - filled, '-'), "] ", figures);
}

ProgressBar::ProgressBar(bool quiet, ProgressWords words)
    : words_(std::move(words)), quiet_(quiet), on_terminal_(::isatty(STDERR_FILENO) != 0) {}

ProgressBar::~ProgressBar() {
  if (bar_open_) std::fputc('\n', stderr);
}

double ProgressBar::seconds_since(Clock::time_point then) const {
  return std::chrono::duration<double>(Clock::now() - then).count();
}

void ProgressBar::update(int64_t done, int64_t total) {
  if (quiet_) return;
  if (on_terminal_) {
    if (!started_ || done == total || seconds_since(drawn_) >= kSecondsBetweenDrawings) draw(done, total);
  } else {
    const std::string all = counted(static_cast<size_t>(total), words_.unit);
    if (!started_) std::fprintf(stderr, "%s on %s\n", words_.doing.c_str(), all.c_str());
    if (done == total) std::fprintf(stderr, "%s in %.1f s\n", words_.done.c_str(), seconds_since(begin_));
  }
  started_ = true;
}

void ProgressBar::draw(int64_t done, int64_t total) {
  constexpr const char* kClearToEnd = "\x1b[K";
  const std::string text = progress_text(words_, done, total, before_, seconds_since(begin_), terminal_columns());
  std::fprintf(stderr, "\r%s%s", text.c_str(), kClearToEnd);
  bar_open_ = done != total;
  if (!bar_open_) std::fputc('\n', stderr);
  std::fflush(stderr);
  drawn_ = Clock::now();
}

}  // namespace graftwork::core::cli
