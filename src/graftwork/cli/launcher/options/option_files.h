// Which options name files, and what becomes of these.
#pragma once

#include <CLI/CLI.hpp>
#include <vector>

#include "graftwork/cli/output/command_files.h"

namespace graftwork::core::cli {

/// Every file that a subcommand's line names, once it is read, and the files of weights that an ONNX file of it names.
/// Throws Error "usage" where an option is given an empty name, which would be as if it were not given. An option that
/// takes a file and is not known here is a defect: throws InternalError, whether it is given or not.
std::vector<CommandFile> files_of(const CLI::App& subcommand);

}  // namespace graftwork::core::cli
