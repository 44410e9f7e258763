#include "graftwork/cli/torch/stages.h"

#include <algorithm>
#include <optional>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/cli/output/output.h"
#include "graftwork/cli/torch/open_script.h"
#include "graftwork/cli/torch/opening_cost.h"
#include "graftwork/cli/torch/process_limits.h"
#include "graftwork/cli/torch/progress.h"
#include "graftwork/data/sample_files.h"
#include "graftwork/import/recorded/torchscript.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/samples/open_samples.h"

namespace graftwork::core::cli {
namespace {

LoadedNetwork load_model(const std::filesystem::path& path, const OpenFlags& open) {
  if (is_printed_graph(path)) {
    throw Error("model.weights", path.string() + " is a printed graph, which holds no weights",
                "the .pt2 file that it was made from");
  }
  if (is_torchscript(path)) return open_script(path, open.script);
  if (open.script.speaks_of_inputs()) {
    throw Error("usage", "--input-shape and --example are for TorchScript: an exported program knows its inputs",
                "leaving them out");
  }
  const OpeningLimits limits(path, open.isolated);
  return load_network(path);
}

LoadedNetwork load_and_tell(const std::filesystem::path& path, const OpenFlags& open, int64_t memory_limit) {
  LoadedNetwork loaded = load_model(path, open);
  if (open.isolated) hold_to_memory(memory_limit);
  if (open.opened) *open.opened = true;
  return loaded;
}

void warn_of(const LoadedNetwork& loaded) {
  warn_training(loaded.in_training);
  warn(loaded.warnings);
}

void refuse_unsupported(const LoadedNetwork& loaded) {
  if (loaded.unsupported.empty()) return;
  Error error("export.unsupported", cat(counted(loaded.unsupported.size(), "operator"), " cannot be run or exported"),
              !loaded.in_training.empty() ? "calling model.eval() before exporting the network"
              : loaded.unsupported.size() == 1
                  ? "replacing it in the network; `graftwork inspect` shows where it is"
                  : "replacing them in the network; `graftwork inspect` shows where they are");
  for (const std::string& line : loaded.unsupported) error.at(line);
  throw error;
}

}  // namespace

LoadedNetwork load_as_it_is(const std::filesystem::path& path, const OpenFlags& open, bool quiet) {
  LoadedNetwork loaded = load_and_tell(path, open, 0);
  if (!quiet) warn_of(loaded);
  return loaded;
}

LoadedNetwork load_to_run(const std::filesystem::path& path, const OpenFlags& open, const CalibrationFlags& flags) {
  LoadedNetwork loaded = load_and_tell(path, open, flags.memory_limit);
  refuse_unsupported(loaded);
  if (!flags.quiet) warn_of(loaded);
  return loaded;
}

void check_image_options(const ImageOptions& images, const std::vector<std::filesystem::path>& data) {
  if (images.is_default()) return;
  const auto holds_images = [](const std::filesystem::path& path) { return !find_sample_files(path).images.empty(); };
  if (std::any_of(data.begin(), data.end(), holds_images)) return;
  throw Error("usage", cat(kImageOptions, " are for pictures; the data are arrays"),
              "leaving them out: arrays are taken as they are");
}

TransformedNetwork transform_network(const Network& network, const PlanFile& plan, const PatternSections& lists) {
  TransformationResult result = transform_by(plan, network.module, lists);
  return {{std::move(result.model), network.tensors}, std::move(result.report)};
}

std::vector<std::string> refuse_unwritable(const TransformedNetwork& transformed, const ExportOptions& options) {
  Reasons reasons;
  for (const SkippedMatch& skipped : transformed.report.skipped) reasons.emplace(skipped.node, skipped.why());
  return try_lowering(transformed.network, options, reasons);
}

std::vector<std::string> unusable(const LoadedNetwork& loaded) {
  if (!loaded.unsupported.empty()) return loaded.unsupported;
  if (bytes_of_computed_constants(loaded.network) > most_bytes_of_computed_constants(loaded.network))
    return {"its constants are too large to be computed while it is opened"};
  try {
    refuse_unwritable(transform_network(loaded.network, {}, patterns_of({})), {});
  } catch (const Error& error) {
    std::vector<std::string> lines = error.context();
    // A single one has its message beside its place.
    if (lines.size() == 1 && error.code() != "export.unsupported") lines[0] += ": " + error.message();
    if (lines.empty()) lines.push_back(error.message());
    return lines;
  }
  return {};
}

namespace {

/// Where all scales come from a table.
class NoSamples : public SampleSource {
 public:
  int64_t size() const override { return 0; }
  std::vector<at::Tensor> samples(int64_t, int64_t) const override { return {}; }
};

std::unique_ptr<SampleSource> samples_of(const GraphModule& module, const CalibrationFlags& flags) {
  if (flags.data.empty()) return std::make_unique<NoSamples>();
  return open_samples(module, flags.data, {flags.limit, flags.images, flags.memory_limit});
}

}  // namespace

QuantizationResult quantize_network(const Network& transformed, const PlanFile& plan, const CalibrationFlags& flags,
                                    const InterruptGuard& interrupt, bool with_losses, Exchange* processes) {
  const QuantConfig recipe = recipe_of(flags, plan);
  interrupt.check();
  const std::unique_ptr<SampleSource> samples = samples_of(transformed.module, flags);
  ProgressBar progress(flags.quiet);
  QuantizeOptions options;
  options.float_type = flags.float_type;
  options.keep_batch_norm = flags.keep_batch_norm;
  options.backend = backend_of(flags.backend);
  options.plan = plan.stubs;
  options.calibration.checkpoint = flags.checkpoint;
  options.calibration.before_keeping = flags.before_keeping;
  options.calibration.exchange = processes;
  options.calibration.memory_limit = flags.memory_limit;
  if (!flags.scales.empty()) options.scales = read_scale_table(flags.scales);
  options.calibration.progress = [&](int64_t done, int64_t total) { progress.update(done, total); };
  std::optional<ProgressBar> rounding;
  options.rounding_progress = [&](int64_t done, int64_t total) {
    if (!rounding) rounding.emplace(flags.quiet, ProgressWords{"rounding weights", "rounded", "layer"});
    rounding->update(done, total);
  };
  options.calibration.interrupted = [&] { return interrupt.requested(); };
  if (with_losses) options.losses = {.interrupted = options.calibration.interrupted};
  try {
    return graftwork::core::quantize(transformed, *samples, recipe, options);
  } catch (Error& error) {
    if (error.code().starts_with("scales.")) throw error.at(flags.scales.string());
    // What is wrong with a sample is found while the network runs, far from the file's name.
    const bool is_about_data = error.code().starts_with("data.");
    if (is_about_data && error.report().find(flags.data.string()) == std::string::npos) error.at(flags.data.string());
    throw;
  }
}

}  // namespace graftwork::core::cli
