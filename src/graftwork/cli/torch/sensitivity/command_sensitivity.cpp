#include "graftwork/cli/torch/sensitivity/command_sensitivity.h"

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/cli/output/output.h"
#include "graftwork/cli/output/text_files.h"
#include "graftwork/cli/torch/loss_report.h"
#include "graftwork/cli/torch/progress.h"
#include "graftwork/cli/torch/sensitivity/label_file.h"
#include "graftwork/cli/torch/sensitivity/sensitivity_checkpoint.h"
#include "graftwork/cli/torch/sensitivity/sensitivity_report.h"
#include "graftwork/cli/torch/sensitivity/skip_recipe.h"
#include "graftwork/cli/torch/stages.h"
#include "graftwork/place/json_text.h"
#include "graftwork/quant/content_hash.h"
#include "graftwork/samples/open_samples.h"

namespace graftwork::core::cli {
namespace {

std::vector<std::string> names_of(const Sensitivity& sensitivity, const std::vector<size_t>& layers) {
  std::vector<std::string> names;
  for (const size_t layer : layers) names.push_back(sensitivity.layers[layer].layer.layer.str());
  return names;
}

/// Chooses layers, quantizes without them as `quantize --config` does, and measures what that gives.
class Recipes {
 public:
  Recipes(const SensitivityRequest& request, const Network& transformed, const SensitivityAnalysis& analysis,
          const Sensitivity& sensitivity, const InterruptGuard& interrupt)
      : request_(request),
        transformed_(transformed),
        analysis_(analysis),
        sensitivity_(sensitivity),
        interrupt_(interrupt) {}

  SkipOutcome for_budget() const {
    return verified(best_to_skip(sensitivity_, static_cast<size_t>(*request_.budget), measure()));
  }

  /// Layers beside those that are skipped may fare otherwise than was measured: a pool between two of them, say. What
  /// is missing then is asked for on top.
  SkipOutcome for_target() const {
    const double target = *request_.target_sqnr;
    double asked = target;
    size_t at_least = 0;
    for (;;) {
      SkipOutcome outcome = verified(fewest_to_skip(sensitivity_, asked, measure(), at_least));
      const double missing = target - outcome.reached.sqnr_db();
      if (missing <= 0 || outcome.chosen.layers.size() == sensitivity_.layers.size()) return outcome;
      asked += missing;
      at_least = outcome.chosen.layers.size() + 1;
    }
  }

 private:
  MeasureWithout measure() const {
    return [this](const std::vector<size_t>& layers) {
      LayerChoice choice(sensitivity_.layers.size(), true);
      for (const size_t layer : layers) choice[layer] = false;
      return analysis_.measure(choice);
    };
  }

  SkipOutcome verified(SkippedLayers chosen) const {
    SkipOutcome outcome{std::move(chosen), {}, {}};
    outcome.names = names_of(sensitivity_, outcome.chosen.layers);
    CalibrationFlags flags = request_.calibration;
    flags.quiet = true;
    for (std::vector<std::string>* skipped : {&flags.recipe.skip_stub, &flags.recipe.skip_weight})
      skipped->insert(skipped->end(), outcome.names.begin(), outcome.names.end());
    const PlanFile plan = plan_of(flags.plan);
    outcome.reached = analysis_.measure(quantize_network(transformed_, plan, flags, interrupt_, false).network);
    return outcome;
  }

  const SensitivityRequest& request_;
  const Network& transformed_;
  const SensitivityAnalysis& analysis_;
  const Sensitivity& sensitivity_;
  const InterruptGuard& interrupt_;
};

/// Before the long work.
void check_labels(const SensitivityRequest& request, const Network& network, const SampleSource& samples,
                  const std::vector<int64_t>& labels) {
  if (labels.empty()) return;
  try {
    labels_for(network, samples, labels);
  } catch (Error& error) {
    if (error.code() == "data.labels") error.at(request.labels.string());
    throw;
  }
}

void refuse_plan_with_stubs(const SensitivityRequest& request, const PlanFile& plan) {
  if (request.recipe.empty() || !plan.stubs) return;
  throw Error("usage", "the plan says what is quantized: a recipe that skips layers would count for nothing",
              "a plan of the transformation alone, `graftwork plan` without --quantize");
}

}  // namespace

void sensitivity(const SensitivityRequest& request) {
  const InterruptGuard interrupt;
  const CalibrationFlags& flags = request.calibration;
  check_image_options(flags.images, {request.data, flags.data});
  const PlanFile plan = plan_of(flags.plan);
  refuse_plan_with_stubs(request, plan);
  const std::vector<int64_t> labels = read_labels(request.labels);

  const LoadedNetwork loaded = load_to_run(request.model, request.open, flags);
  const TransformedNetwork transformed = transform_network(loaded.network, plan, patterns_of(flags.backend));
  const std::unique_ptr<SampleSource> samples =
      open_samples(transformed.network.module, request.data, {flags.limit, flags.images, flags.memory_limit});
  check_labels(request, transformed.network, *samples, labels);
  const int threads = affordable_threads(transformed.network, *samples, 0, flags.memory_limit, kSensitivity);
  const QuantizationResult quantized = quantize_network(transformed.network, plan, flags, interrupt, false);

  std::optional<SensitivityCheckpoint> checkpoint;
  ProgressBar progress(flags.quiet, {"measuring layers", "measured", "run"});
  bool is_first = true;
  SensitivityOptions options;
  options.samples = request.samples;
  options.labels = labels;
  options.threads = threads;
  options.interrupted = [&] { return interrupt.requested(); };
  options.keep = [&](const SensitivityRecord& record) {
    checkpoint->keep(record, interrupt.requested(), [&] { request.files.check_before_writing(); });
  };
  options.progress = [&](int64_t done, int64_t total) {
    if (std::exchange(is_first, false)) progress.resume(done);
    progress.update(done, total);
  };
  const SensitivityAnalysis analysis(transformed.network, quantized, backend_of(flags.backend)->placement, *samples,
                                     options);
  checkpoint.emplace(request.checkpoint, request.checkpoint.empty() ? MeasuredThings()
                                                                    : MeasuredThings{content_hash(transformed.network),
                                                                                     content_hash(quantized.network),
                                                                                     analysis.samples_hash()});
  const Sensitivity found = analysis.run(checkpoint->read(analysis.empty_record()));

  std::optional<SkipOutcome> outcome;
  const Recipes recipes(request, transformed.network, analysis, found, interrupt);
  if (request.target_sqnr) outcome = recipes.for_target();
  if (request.budget) outcome = recipes.for_budget();
  interrupt.check();
  TextFiles files;
  if (outcome) files.add(request.recipe, json_text(skip_recipe(flags, outcome->names)));
  if (!request.report.empty()) files.add(request.report, json_text(sensitivity_json(request, found, outcome)));
  request.files.check_before_writing();
  files.commit();
  if (!flags.quiet) print_out(sensitivity_summary(request, found, outcome));
}

}  // namespace graftwork::core::cli
