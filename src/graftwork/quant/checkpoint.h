// Statistics as bytes: to go on with later, and for other processes.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "graftwork/nn/tensor_store.h"
#include "graftwork/quant/sample_source.h"
#include "graftwork/quant/statistics.h"

namespace graftwork::core {

/// Little-endian, counts and sums as they are: equal statistics have equal bytes.
std::string to_bytes(const Statistics& statistics);
/// Throws Error "checkpoint.damaged".
Statistics statistics_of(std::string_view bytes);

/// Digits that tell calibrations apart: by the network with its parameters, what is asked, the number of samples, the
/// first of them and the last.
std::string calibration_identity(const Network& network, const StatisticsRequest& request, const SampleSource& source);

/// What was seen on the first micro-batches of a share of the work.
struct Checkpoint {
  int64_t done = 0;
  Statistics statistics;
};

void write_checkpoint(const std::filesystem::path& path, const std::string& identity, const Checkpoint& checkpoint);
/// Nothing when there is no file. Throws Error "checkpoint.damaged", "checkpoint.other" when another calibration wrote
/// it, "file.*".
std::optional<Checkpoint> read_checkpoint(const std::filesystem::path& path, const std::string& identity);

}  // namespace graftwork::core
