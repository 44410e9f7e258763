// Networks from files.
#pragma once

#include <graftwork/network.h>

#include <filesystem>

namespace graftwork {

/// Reads a `.pt2` file (torch.export.save, torch 2.6 or later). Nothing in it is run or unpickled but the operators on
/// constants that docs/ lists; weights are mapped, not read. Throws Error "file.*", "archive.*", "pickle.*", "pt2.*".
GRAFTWORK_API Network load(const std::filesystem::path& path);

}  // namespace graftwork
