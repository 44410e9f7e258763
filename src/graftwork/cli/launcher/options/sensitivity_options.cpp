#include <cmath>

#include "graftwork/cli/launcher/options/network_options.h"
#include "graftwork/cli/launcher/options/open_options.h"
#include "graftwork/cli/launcher/options/quantization_options.h"
#include "graftwork/cli/launcher/options/subcommand.h"

namespace graftwork::core::cli {
namespace {

class Sensitivity final : public Subcommand {
 public:
  explicit Sensitivity(CLI::App& command)
      : Subcommand(*command.add_subcommand("sensitivity",
                                           "Rank the layers by what their quantization costs; say which to skip")) {
    add_measurement(app());
    add_recipe_to_write(app());
    quantization_.add_to(app());
    add_path(app(), "--report", request_.report, "Write all layers and their ranks, in JSON");
    add_memory_limit(app(), request_.calibration);
    add_quiet(app(), request_.calibration);
    add_path(app(), "-o,--recipe-out", request_.recipe, "The recipe to write, for `quantize --config`");
    app().footer(
        "Use it when a quantized network is not good enough: it says which layers are to blame, and what skipping them "
        "wins.\n\n"
        "Example:\n  graftwork sensitivity resnet18.pt2 --data images.npy\n"
        "  graftwork sensitivity resnet18.pt2 --data images.npy --target-sqnr 30 -o recipe.json\n"
        "  graftwork quantize resnet18.pt2 --calibrate images.npy --config recipe.json -o resnet18_int8.onnx");
  }

  Request request() override {
    open_.finish(app(), request_.model);
    if (request_.rank == SensitivityRank::kTop1 && request_.labels.empty())
      refuse(app(), "--rank top1 needs --labels FILE");
    check_recipe_to_write();
    if (request_.calibration.data.empty()) request_.calibration.data = request_.data;
    quantization_.finish(app());
    return request_;
  }

 private:
  void add_measurement(CLI::App& own) {
    add_network(own, request_.model);
    open_.add_to(own);
    add_data(own, request_.data, "measure");
    add_count(own, "--samples", request_.samples, 1,
              "Measure on N of them, evenly spread; default: one in sixteen, 1 to 8; with --labels all");
    add_path(own, "--labels", request_.labels,
             "Class of each sample (.npy): top-1 of the output with most classes is measured too");
    add_choice(own, "--rank", request_.rank,
               {{"sqnr", SensitivityRank::kSqnr},
                {"cosine", SensitivityRank::kCosine},
                {"clipped", SensitivityRank::kClipped},
                {"top1", SensitivityRank::kTop1}},
               "BY", "Order of the layers: sqnr, cosine, clipped (share beyond the range), top1");
    add_path(own, "--checkpoint", request_.checkpoint, "Keep figures here (.npz) as they come; a second run goes on");
  }

  void add_recipe_to_write(CLI::App& own) {
    CLI::Option* const target = own.add_option("--target-sqnr", request_.target_sqnr,
                                               "Write the recipe that skips the fewest layers and reaches this, in dB")
                                    ->type_name("DB");
    target->excludes(add_count(own, "--budget", request_.budget, 0,
                               "Write the recipe that skips the N layers whose skipping wins most"));
  }

  void check_recipe_to_write() const {
    if (request_.target_sqnr && !std::isfinite(*request_.target_sqnr)) refuse(app(), "--target-sqnr: not a number");
    const bool is_wanted = request_.target_sqnr || request_.budget;
    if (is_wanted && request_.recipe.empty())
      refuse(app(), "--target-sqnr and --budget write a recipe: --recipe-out FILE is needed");
    if (!is_wanted && !request_.recipe.empty()) refuse(app(), "--recipe-out needs --target-sqnr DB or --budget N");
    if (is_wanted && !request_.calibration.scales.empty())
      refuse(app(), "--scales knows of no layers to skip: a recipe is chosen by the data alone");
  }

  SensitivityRequest request_;
  OpenOptions open_{request_.open};
  QuantizationOptions quantization_{request_.calibration};
};

}  // namespace

std::unique_ptr<Subcommand> add_sensitivity(CLI::App& command) { return std::make_unique<Sensitivity>(command); }

}  // namespace graftwork::core::cli
