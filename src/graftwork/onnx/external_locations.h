// Which files of weights an ONNX file names.
#pragma once

#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace graftwork::core::onnx {

/// What is found out about locations of external data.
enum class Search : uint8_t {
  kFound,     ///< One that was asked for.
  kNone,      ///< None of those that the file holds.
  kNotAsked,  ///< The file is too long to search, is no plain file, or cannot be read.
};

/// Shows `is_wanted` the locations of external data in the file, as they are written there, until it says yes. A search
/// for the bytes of such entries, which takes any file and fails on none. A model with weights elsewhere is short: what
/// is longer than 256 MB is not searched. `fd` is read from where it stands.
Search find_location(int fd, const std::function<bool(std::string_view)>& is_wanted);

/// The locations in a file, each once; the first 10,000 of more. None where it is not searched.
std::set<std::string> external_locations(const std::filesystem::path& path);

}  // namespace graftwork::core::onnx
