#include "graftwork/import/recorded/script_place.h"

#include <torch/csrc/jit/runtime/interpreter.h>

#include <string_view>

#include "graftwork/base/text.h"

namespace graftwork::core::recorded {
namespace {

constexpr std::string_view kModules = "code/__torch__/torch/nn/modules/";
constexpr std::string_view kFunctions = "code/__torch__/torch/nn/functional";

/// "layer1.0.conv1" of "TOP(ResNet)::forward", "layer1(Sequential)::forward", … Functions and further methods are in
/// the module that calls them.
std::string path_of(const std::vector<std::string>& hierarchy) {
  std::string path;
  for (const std::string& entry : hierarchy) {
    const std::string_view name = std::string_view(entry).substr(0, entry.find('('));
    if (name == "TOP" || name == "SELF" || name.starts_with("CALL_FUNCTION")) continue;
    if (!path.empty()) path += '.';
    path += name;
  }
  return path;
}

/// Whether the innermost module is one of torch's, by the file that its code lies in.
bool is_in_torch(const std::vector<torch::jit::StackEntry>& stack) {
  for (const torch::jit::StackEntry& entry : stack) {
    const auto place = entry.range.file_line_col();
    const std::string_view file = place ? std::string_view(std::get<0>(*place)) : std::string_view();
    if (!file.starts_with(kFunctions)) return file.starts_with(kModules);
  }
  return false;
}

/// The innermost line of the model's author: torch's own lines help nobody.
std::string line_of(const std::vector<torch::jit::StackEntry>& stack) {
  for (const torch::jit::StackEntry& entry : stack) {
    const auto own = entry.range.file_line_col();
    if (own && std::string_view(std::get<0>(*own)).starts_with("code/__torch__/torch/")) continue;
    const auto written = entry.range.findSourceRangeThatGenerated();
    const auto place = written ? written->file_line_col() : std::nullopt;
    if (!place) continue;
    const auto& [file, line, column] = *place;
    if (file.empty() || file.find("/torch/nn/") != std::string::npos) continue;
    return cat(std::string_view(file).substr(file.find_last_of("/\\") + 1), ":", line);
  }
  return {};
}

}  // namespace

ModulePlace script_place() {
  const std::vector<torch::jit::StackEntry> stack = torch::jit::currentCallstack();
  ModulePlace place{.path = path_of(torch::jit::currentModuleHierarchy()), .source = line_of(stack)};
  place.is_body = !place.path.empty() && is_in_torch(stack);
  return place;
}

}  // namespace graftwork::core::recorded
