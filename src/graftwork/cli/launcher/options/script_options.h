// What a TorchScript file does not say.
#pragma once

#include "graftwork/cli/launcher/options/option_forms.h"
#include "graftwork/cli/requests.h"

namespace graftwork::core::cli {

/// `--allow-code`, `--input-shape` and `--example`.
class ScriptOptions {
 public:
  explicit ScriptOptions(ScriptFlags& flags) : flags_(flags) {}

  /// This must live while `app` reads a command line.
  void add_to(CLI::App& app);
  /// Once it is read. Throws Error "usage".
  void finish(const CLI::App& app, const std::filesystem::path& model);

 private:
  ScriptFlags& flags_;
  std::vector<std::string> shapes_;
};

}  // namespace graftwork::core::cli
