// Loading a network from a file.
#pragma once

#include <filesystem>

#include "graftwork/import/captured/build_network.h"

namespace graftwork::core {

/// Reads a `.pt2` archive (torch.export.save, torch 2.6 or later). Weights are mapped, not read. In-place
/// operators are made functional, constant subgraphs folded, tied weights stay tied. Throws Error "file.*",
/// "archive.*", "pickle.*", "pt2.*".
LoadedNetwork load_network(const std::filesystem::path& path);

}  // namespace graftwork::core
