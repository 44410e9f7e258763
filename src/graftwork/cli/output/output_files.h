// The files that a command writes, checked before it works for minutes.
#pragma once

#include <filesystem>
#include <vector>

#include "graftwork/cli/requests.h"

namespace graftwork::core::cli {

/// What a command writes and what it reads; empty paths are none. Inputs may be folders of samples.
struct CommandFiles {
  std::vector<std::filesystem::path> outputs;
  std::vector<std::filesystem::path> inputs;
};

/// All files that the command may write; weights may come to lie beside the model.
std::vector<std::filesystem::path> outputs_of(const QuantizeRequest& request);

/// All files and folders that the command reads.
std::vector<std::filesystem::path> inputs_of(const QuantizeRequest& request);
std::vector<std::filesystem::path> inputs_of(const TransformRequest& request);
std::vector<std::filesystem::path> inputs_of(const PlanRequest& request);
std::vector<std::filesystem::path> inputs_of(const RunRequest& request);
std::vector<std::filesystem::path> inputs_of(const SensitivityRequest& request);
std::vector<std::filesystem::path> inputs_of(const CompareRequest& request);

/// Throws Error "file.unwritable" when no file can be made at an output, and "file.same" when it is an input or another
/// output, also by another name: a link of either kind. Leaves nothing behind.
void check_output_files(const CommandFiles& files);

}  // namespace graftwork::core::cli
