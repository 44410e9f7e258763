#include "graftwork/cli/launcher/options/option_files.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/cli/launcher/options/option_forms.h"

namespace graftwork::core::cli {
namespace {

/// What options that take files show for their value.
constexpr std::array<std::string_view, 3> kFileTypes{"FILE", "DATA", "NAME=FILE"};

struct OptionUse {
  std::string_view option;
  FileUse use;
};

constexpr std::array kUses{
    OptionUse{"MODEL", FileUse::kWatched},        OptionUse{"FILE", FileUse::kWatchedOnnx},
    OptionUse{"--example", FileUse::kWatched},    OptionUse{"--input", FileUse::kWatched},
    OptionUse{"--override", FileUse::kWatched},   OptionUse{"--calibrate", FileUse::kWatched},
    OptionUse{"--data", FileUse::kWatched},       OptionUse{"--labels", FileUse::kWatched},
    OptionUse{"--config", FileUse::kRead},        OptionUse{"--plan", FileUse::kRead},
    OptionUse{"--scales", FileUse::kRead},        OptionUse{"--patterns", FileUse::kRead},
    OptionUse{"--output", FileUse::kWritten},     OptionUse{"--report", FileUse::kWritten},
    OptionUse{"--html", FileUse::kWritten},       OptionUse{"--config-out", FileUse::kWritten},
    OptionUse{"--scales-out", FileUse::kWritten}, OptionUse{"--recipe-out", FileUse::kWritten},
    OptionUse{"--checkpoint", FileUse::kKept},
};

FileUse use_of(const CLI::App& subcommand, const std::string& option) {
  if (subcommand.get_name() == "quantize" && option == "--output") return FileUse::kWrittenModel;
  const auto* const found = std::ranges::find(kUses, option, &OptionUse::option);
  if (found == kUses.end())
    throw InternalError(cat("internal error: nothing says what becomes of the file of ", option));
  return found->use;
}

/// What follows the name, in "NAME=FILE"; else all of it.
std::string file_in(const std::string& value, const std::string& type) {
  return type == "NAME=FILE" ? value.substr(value.find('=') + 1) : value;  // npos + 1 is 0
}

}  // namespace

std::vector<CommandFile> files_of(const CLI::App& subcommand) {
  std::vector<CommandFile> files;
  for (const CLI::Option* option : subcommand.get_options()) {
    const std::string type = option->get_type_name();
    if (std::ranges::find(kFileTypes, type) == kFileTypes.end()) continue;
    const FileUse use = use_of(subcommand, option->get_name());
    for (const std::string& value : option->results()) {
      const std::string path = file_in(value, type);
      if (path.empty()) refuse(subcommand, cat(option->get_name(), ": it takes the name of a file, not an empty one"));
      files.push_back({path, use});
    }
  }
  // First what others are said to replace.
  std::ranges::stable_partition(files, [](const CommandFile& file) { return file.use == FileUse::kWrittenModel; });
  return files;
}

}  // namespace graftwork::core::cli
