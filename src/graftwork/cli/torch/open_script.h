// TorchScript files, opened by what the command line says of them.
#pragma once

#include "graftwork/cli/requests.h"
#include "graftwork/import/captured/build_network.h"

namespace graftwork::core::cli {

/// Records the module on the example that `flags` give, or on numbers of chance of the shapes that they give, which are
/// the same ones in every run. Throws what load_torchscript does, and Error "data.*" for an example that cannot be
/// read.
LoadedNetwork open_script(const std::filesystem::path& path, const ScriptFlags& flags);

}  // namespace graftwork::core::cli
