// Which torch package the torch half gets its libraries from, when not from the one that it looks for by itself.
#pragma once

#include <filesystem>
#include <optional>

namespace graftwork::core::cli {

/// The folder above bin/ that the command runs from, links resolved.
std::filesystem::path installed_folder();

/// The package's folder (…/site-packages/torch) that the environment variable GRAFTWORK_TORCH names; nothing where that
/// is unset or empty. Throws Error "build.torch" when there is no torch, or one of another minor version: libtorch
/// keeps its binary interface within one only.
std::optional<std::filesystem::path> named_torch();

/// The package of the minor version that graftwork was built with in `folder`/.venv, in `folder`/../.venv, or else the
/// one that python3 would import; python3 is started for that. Throws Error "build.torch" with what was found instead.
std::filesystem::path torch_beside(const std::filesystem::path& folder);

}  // namespace graftwork::core::cli
