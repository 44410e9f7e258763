// Writes the manual page and the completions of graftwork while it is built: graftwork_manual FOLDER
#include <filesystem>
#include <iostream>

#include "graftwork/base/atomic_file.h"
#include "graftwork/base/error.h"
#include "graftwork/cli/launcher/manual/manual.h"
#include "graftwork/cli/launcher/options/command_options.h"

namespace core = graftwork::core;

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::cerr << "usage: graftwork_manual FOLDER\n";
    return 2;
  }
  core::cli::CommandOptions options;
  const core::cli::CommandFacts command = core::cli::facts_of(options.app());
  const std::filesystem::path folder = argv[1];
  core::write_file(folder / "graftwork.1", core::cli::man_page(command, GRAFTWORK_VERSION));
  core::write_file(folder / "graftwork.bash", core::cli::bash_completion(command));
  core::write_file(folder / "_graftwork", core::cli::zsh_completion(command));
  core::write_file(folder / "graftwork.fish", core::cli::fish_completion(command));
} catch (const graftwork::Error& error) {
  std::cerr << error.report() << "\n";
  return 1;
}
