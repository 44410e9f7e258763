// What `sensitivity` has measured so far, as a file: an .npz archive, which NumPy reads too.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>

#include "graftwork/quant/sensitivity/sensitivity.h"

namespace graftwork::core::cli {

/// What figures depend on; a record of other ones is of no use.
struct MeasuredThings {
  std::string network;    ///< In floating point.
  std::string quantized;  ///< Follows from recipe, plan and calibration data.
  std::string samples;    ///< With their labels.
};

class SensitivityCheckpoint {
 public:
  /// No file where `path` is empty.
  SensitivityCheckpoint(std::filesystem::path path, MeasuredThings things);

  /// What the file holds; `empty`, a record of nothing, where there is no file. Throws Error "checkpoint.other" where
  /// it is of other things, "checkpoint.format" where it is no checkpoint, and what reading an .npz throws.
  SensitivityRecord read(SensitivityRecord empty) const;

  /// Writes the record, whole or not at all; but no more than once a second, unless it is complete or `now`.
  /// `before_writing` may throw.
  void keep(const SensitivityRecord& record, bool now, const std::function<void()>& before_writing);

 private:
  using Clock = std::chrono::steady_clock;
  std::filesystem::path path_;
  MeasuredThings things_;
  Clock::time_point written_ = Clock::now();
};

}  // namespace graftwork::core::cli
