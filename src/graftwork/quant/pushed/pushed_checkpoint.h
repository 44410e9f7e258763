// A calibration of pushed data, as far as it has come, on disk.
#pragma once

#include <filesystem>
#include <string>

#include "graftwork/quant/input_check.h"
#include "graftwork/quant/pushed/sample_window.h"
#include "graftwork/quant/statistics.h"

namespace graftwork::core {

struct PushedCheckpoint {
  /// Of network, recipe and options.
  std::string calibration;
  /// Of what is watched in which network, once `kept` has told that; else empty.
  std::string observation;
  int64_t done = 0;  ///< Micro-batches in `statistics`.
  Statistics statistics;
  SampleWindow kept;    ///< Empty as long as nothing is watched.
  SampleWindow window;  ///< All samples that came, of which those are there that `statistics` lacks.
};

/// The same bytes for the same state. Throws Error "file.*".
void write_pushed_checkpoint(const std::filesystem::path& path, const PushedCheckpoint& checkpoint);
/// `check` is that of the network. Throws Error "checkpoint.other" where `calibration` is another one's,
/// "checkpoint.damaged", "file.*".
PushedCheckpoint read_pushed_checkpoint(const std::filesystem::path& path, const std::string& calibration,
                                        const InputCheck& check);

}  // namespace graftwork::core
