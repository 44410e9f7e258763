#include "graftwork/cli/launcher/options/quantization_options.h"

#include "graftwork/base/text.h"
#include "graftwork/cli/graph/planned.h"
#include "graftwork/cli/launcher/options/network_options.h"
#include "graftwork/place/calibration_methods.h"

namespace graftwork::core::cli {
namespace {

std::string method_text(const std::vector<std::string>& methods) {
  std::vector<std::string> of_weights;
  for (const std::string& method : methods) {
    if (counts_for_weights(*calibration_method(method))) of_weights.push_back(method);
  }
  return cat("Ranges of activations: ", in_words(methods, "or"), " (docs/recipe.md); ", in_words(of_weights, "and"),
             " for the weights too; default: the recipe's");
}

}  // namespace

void QuantizationOptions::add_to(CLI::App& app) {
  add_calibration(app);
  const std::vector<CLI::Option*> recipe = recipe_.add_to(app);
  of_quantized_.insert(of_quantized_.end(), recipe.begin(), recipe.end());
  pictures_.add_to(app);
  add_plan_to_follow(app, flags_.plan);
  add_backend(app, flags_.backend);
}

void QuantizationOptions::add_calibration(CLI::App& app) {
  const std::vector<std::string> methods = calibration_method_names();
  of_quantized_ = {
      add_path(app, "--calibrate", flags_.data,
               "Samples: .npy, .npz (arrays by input name), JPEG, PNG, or a folder of arrays or pictures")
          ->type_name("DATA"),
      add_count(app, "--limit", flags_.limit, 1, "Use N samples only: the first arrays, pictures evenly spread"),
      add_choice(app, "--float", flags_.float_type,
                 {{"fp16", DType::kF16}, {"bf16", DType::kBF16}, {"fp32", DType::kF32}}, "TYPE",
                 "Type of what is not quantized: fp16, bf16 or fp32"),
      app.add_option_function<std::string>(
             "--calibration-method", [this](const std::string& name) { flags_.method = calibration_method(name); },
             method_text(methods))
          ->check(CLI::IsMember(methods))
          ->type_name("METHOD"),
      app.add_flag("--keep-bn", flags_.keep_batch_norm,
                   "Leave batch norms as nodes of their own instead of folding them into the layers"),
      add_path(app, "--scales", flags_.scales,
               "Take scales from this table (--scales-out), edited or not; where it says all, no data are needed"),
  };
}

void QuantizationOptions::refuse_before_quantized(const CLI::App& app, const std::string& but) const {
  for (const CLI::Option* option : of_quantized_) {
    if (option->count() > 0 && option->get_name() != but)
      refuse(app, cat(option->get_name(), " belongs to --stage quantized"));
  }
}

void QuantizationOptions::finish(const CLI::App& app) {
  pictures_.finish(app);
  if (flags_.data.empty() && flags_.limit > 0) refuse(app, "--limit belongs to --calibrate DATA");
  recipe_.finish();
}

void add_data(CLI::App& app, std::filesystem::path& data, const std::string& verb) {
  add_path(app, "--data", data, cat("Samples to ", verb, " on, and to calibrate with unless --calibrate says others"))
      ->required()
      ->type_name("DATA");
}

CLI::Option* add_stage(CLI::App& app, Stage& stage, const std::string& text) {
  return add_choice(app, "--stage", stage,
                    {{"float", Stage::kFloat}, {"transformed", Stage::kTransformed}, {"quantized", Stage::kQuantized}},
                    "STAGE", text);
}

void add_memory_limit(CLI::App& app, CalibrationFlags& flags) {
  add_size(app, "--memory-limit", flags.memory_limit,
           "Memory for the work, 8GB or 500MB; default: what the machine has left, without swap. What does not fit is "
           "refused before it runs, and calibration uses fewer threads");
}

void add_quiet(CLI::App& app, CalibrationFlags& flags) { app.add_flag("--quiet", flags.quiet, "Print errors only"); }

}  // namespace graftwork::core::cli
