// Which files of weights an ONNX file names.
#pragma once

#include <filesystem>
#include <set>
#include <string>

namespace graftwork::core::onnx {

/// Every location of external data in the file, as it is written there. A search for the bytes of such entries, which
/// takes any file and fails on none: a model with weights elsewhere is short, and of what is longer than any, or cannot
/// be read, nothing is said. `fd` is read from where it stands.
std::set<std::string> external_locations(int fd);
std::set<std::string> external_locations(const std::filesystem::path& path);

}  // namespace graftwork::core::onnx
