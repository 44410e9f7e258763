// How a network is opened.
#pragma once

#include "graftwork/cli/launcher/options/option_forms.h"
#include "graftwork/cli/requests.h"

namespace graftwork::core::cli {

/// `--allow-code`, `--input-shape` and `--example`, which say what a TorchScript file does not, and `--no-isolation`.
class OpenOptions {
 public:
  explicit OpenOptions(OpenFlags& flags) : flags_(flags) {}

  /// This must live while `app` reads a command line.
  void add_to(CLI::App& app);
  /// Once it is read. Throws Error "usage".
  void finish(const CLI::App& app, const std::filesystem::path& model);

 private:
  OpenFlags& flags_;
  std::vector<std::string> shapes_;
};

}  // namespace graftwork::core::cli
