// One run over the data for everything that is asked about it.
#pragma once

#include <filesystem>
#include <functional>

#include "graftwork/quant/exchange.h"
#include "graftwork/quant/sample_source.h"
#include "graftwork/quant/statistics.h"

namespace graftwork::core {

/// Called with samples done and samples in all, from one thread at a time.
using Progress = std::function<void(int64_t done, int64_t total)>;

struct CalibrationOptions {
  /// Worker threads; 0: as many as torch would use. No influence on the result.
  int threads = 0;
  /// Bytes that running the network may take on top of what the process has; 0: what the machine has left. Where it is
  /// not enough for all threads there are fewer.
  int64_t memory_limit = 0;
  /// Where what was seen so far is kept, every ten seconds, and taken from when it is there; empty: nowhere.
  std::filesystem::path checkpoint = {};
  /// Called before it is written; what it throws ends the calibration.
  std::function<void()> before_keeping = {};
  /// Joins processes that share the work; null: this one does it alone.
  Exchange* exchange = nullptr;
  Progress progress = {};
  /// Polled between micro-batches; true stops with Error "interrupted".
  std::function<bool()> interrupted = {};
};

/// The network runs as float in micro-batches of a fixed size, each on one thread, many side by side: the result is the
/// same for any number of threads, of processes, and of interruptions. The micro-batch is one sample, and then the
/// order of samples has no influence either, but on moving averages; or, where the graph holds its batch fast, it is
/// that many, and the last one is filled up with copies of the last sample, which histograms and means count too.
/// Throws Error "data.empty", "checkpoint.*" (one that is damaged, or of another calibration), what Observer::observe
/// throws, and what failed in another process.
Statistics calibrate(const Network& network, const StatisticsRequest& request, const SampleSource& source,
                     const CalibrationOptions& options);

}  // namespace graftwork::core
