// How a network is quantized.
#pragma once

#include "graftwork/cli/launcher/options/picture_options.h"
#include "graftwork/cli/launcher/options/recipe_options.h"

namespace graftwork::core::cli {

/// What `quantize` and all that quantize as it does take: of calibration, recipe, pictures, plan, and backend.
class QuantizationOptions {
 public:
  explicit QuantizationOptions(CalibrationFlags& flags)
      : flags_(flags), recipe_(flags.recipe), pictures_(flags.images) {}

  /// This must live while `app` reads a command line.
  void add_to(CLI::App& app);

  /// Throws Error "usage" where calibration or recipe are spoken of, by other options than `but`: they count for
  /// nothing before the quantized stage.
  void refuse_before_quantized(const CLI::App& app, const std::string& but = "") const;

  /// Once the command line is read. Throws Error "usage".
  void finish(const CLI::App& app);

 private:
  void add_calibration(CLI::App& app);

  CalibrationFlags& flags_;
  RecipeOptions recipe_;
  PictureOptions pictures_;
  std::vector<CLI::Option*> of_quantized_;
};

/// `--data`, of a subcommand that quantizes to look at the result: what is done on it, as a verb.
void add_data(CLI::App& app, std::filesystem::path& data, const std::string& verb);

/// `--stage`: words and what they stand for.
CLI::Option* add_stage(CLI::App& app, Stage& stage, const std::string& text);

/// `--quiet`.
/// --memory-limit, for all that run networks.
void add_memory_limit(CLI::App& app, CalibrationFlags& flags);

void add_quiet(CLI::App& app, CalibrationFlags& flags);

}  // namespace graftwork::core::cli
