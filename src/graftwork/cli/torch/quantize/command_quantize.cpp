#include "graftwork/cli/torch/quantize/command_quantize.h"

#include <chrono>
#include <optional>

#include "graftwork/base/error.h"
#include "graftwork/cli/output/held_signals.h"
#include "graftwork/cli/output/output.h"
#include "graftwork/cli/output/text_files.h"
#include "graftwork/cli/page/page.h"
#include "graftwork/cli/reports/network_json.h"
#include "graftwork/cli/reports/report_json.h"
#include "graftwork/cli/reports/summary.h"
#include "graftwork/cli/torch/loss_report.h"
#include "graftwork/cli/torch/quantize/formats.h"
#include "graftwork/cli/torch/quantize/input_report.h"
#include "graftwork/cli/torch/quantize/page_data.h"
#include "graftwork/cli/torch/quantize/smoothing_report.h"
#include "graftwork/cli/torch/stages.h"
#include "graftwork/cli/torch/torchrun.h"
#include "graftwork/export/export_memory.h"
#include "graftwork/export/lower.h"
#include "graftwork/onnx/write.h"
#include "graftwork/place/json_text.h"
#include "graftwork/place/quant_config_text.h"
#include "graftwork/quant/half_regions.h"
#include "graftwork/quant/provenance.h"
#include "graftwork/quant/scales.h"

namespace graftwork::core::cli {
namespace {

/// Seconds by stage.
class StopWatch {
 public:
  void lap(const std::string& stage) {
    const Clock::time_point now = Clock::now();
    laps_.emplace_back(stage, std::chrono::duration<double>(now - last_).count());
    last_ = now;
  }
  const std::vector<std::pair<std::string, double>>& laps() const { return laps_; }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point last_ = Clock::now();
  std::vector<std::pair<std::string, double>> laps_;
};

std::string float_name(DType type) {
  if (type == DType::kBF16) return "bf16";
  return type == DType::kF16 ? "fp16" : "fp32";
}

std::vector<StubFigures> stub_figures(const ScaleTable& scales) {
  std::vector<StubFigures> figures;
  for (const StubScale& line : scales.stubs)
    figures.push_back({line.scale, line.min, line.max, line.clipped, line.method});
  return figures;
}

Json quantize_report(const QuantizeRequest& request, const LoadedNetwork& loaded, const TransformedNetwork& transformed,
                     const QuantizationResult& result, const onnx::Model& model, uint64_t bytes) {
  Json report = transform_report(request.model, transformed.network.module, transformed.report);
  add_plan(report, result.plan, stub_figures(result.scales));
  report["warnings"] = result.warnings;
  if (!loaded.in_training.empty()) report["warnings"].push_back(training_warning(loaded.in_training));
  report["fp32_regions"] = Json::array();
  for (const WideRegion& region : wide_regions(result.network))
    report["fp32_regions"].push_back({{"nodes", region.nodes}, {"reasons", region.reasons}});
  report["calibration"] = {{"method", activation_methods(result)},
                           {"weight_method", weight_methods(result)},
                           {"samples", result.samples},
                           {"corrected_biases", result.corrected_biases}};
  if (result.rounded_weights > 0) report["calibration"]["rounded_weights"] = result.rounded_weights;
  report["inputs"] = inputs_json(result.inputs);
  if (!result.smoothing.empty()) report["smoothing"] = smoothing_json(result.smoothing);
  if (!result.equalized.empty()) report["equalization"] = equalization_json(result.equalized);
  if (!result.divided.empty()) report["outlier_channels"] = outliers_json(result.divided);
  if (!request.no_losses) report["losses"] = losses_json(result.losses);
  report["network"] =
      network_json(result.network.module, result.plan, result.network.wide, float_name(request.calibration.float_type));
  if (!result.sample_facts.empty()) report["calibration"]["data"] = result.sample_facts;
  report["export"] = {
      {"opset", model.opset},
      {"float", float_name(request.calibration.float_type)},
      {"weights", stored_weights(result.plan, request.float_weights ? WeightForm::kFloat : WeightForm::kInt8)},
      {"bytes", bytes}};
  return report;
}

ExportOptions export_options_of(const QuantizeRequest& request) {
  ExportOptions result;
  result.backend = backend_of(request.calibration.backend);
  result.float_type = request.calibration.float_type;
  result.weights = request.float_weights ? WeightForm::kFloat : WeightForm::kInt8;
  result.opset = request.opset;
  result.attention_operator = request.attention_operator;
  result.keep_batch_norm = request.calibration.keep_batch_norm;
  result.lets_go_of_weights = true;
  return result;
}

}  // namespace

void quantize(const QuantizeRequest& request) {
  const InterruptGuard interrupt;
  const std::unique_ptr<Exchange> processes = processes_of_torchrun(interrupt);
  const bool leads = !processes || processes->rank() == 0;  // the only one that writes and says anything
  CalibrationFlags flags = request.calibration;
  flags.quiet |= !leads;
  flags.before_keeping = [&] { request.files.check_before_writing(); };
  if (leads) request.files.check_outputs();
  check_image_options(flags.images, {flags.data});
  const ExportOptions export_options = export_options_of(request);
  const PlanFile plan = plan_of(flags.plan);
  const PatternSections lists = patterns_of(flags.backend);
  const QuantConfig recipe = recipe_of(flags, plan);  // what is wrong with it is said before the long work
  check_can_be_written(recipe);
  check_formats(weight_formats(recipe, plan), export_options);

  StopWatch watch;
  const LoadedNetwork loaded = load_to_run(request.model, request.open, flags);
  watch.lap("load");
  const TransformedNetwork transformed = transform_network(loaded.network, plan, lists);
  const std::vector<std::string> untaken = refuse_unwritable(transformed, export_options);
  check_export_memory(transformed.network.module, export_options, flags.memory_limit);
  if (!flags.quiet) warn(untaken);
  watch.lap("transform");
  QuantizationResult result =
      quantize_network(transformed.network, plan, flags, interrupt, leads && !request.no_losses, processes.get());
  if (!leads) return;
  watch.lap("calibrate");
  result.warnings.insert(result.warnings.begin(), untaken.begin(), untaken.end());
  const std::vector<std::string> of_pictures = picture_warnings(result.inputs, flags.data);
  result.warnings.insert(result.warnings.end(), of_pictures.begin(), of_pictures.end());
  onnx::Model model = lower(result.network, export_options);
  model.metadata = result.provenance;
  interrupt.check();
  TextFiles texts;
  std::optional<HeldSignals> held;  // until all stand at their places
  onnx::WriteOptions write_options;
  write_options.before_commit = [&](uint64_t bytes) {
    if (!request.report.empty() || !request.html.empty()) {
      const Json report = quantize_report(request, loaded, transformed, result, model, bytes);
      if (!request.report.empty()) texts.add(request.report, json_text(report));
      if (!request.html.empty()) texts.add(request.html, page_html(page_data(report, result)));
    }
    if (!request.config_output.empty()) texts.add(request.config_output, quant_config_text(recipe));
    if (!request.scales_output.empty()) texts.add(request.scales_output, scale_table_text(result.scales));
    request.files.check_before_writing();
    held.emplace();
  };
  const onnx::WrittenModel written = onnx::write_model(model, request.output, write_options);
  texts.commit();
  held.reset();
  watch.lap("export");
  if (flags.quiet) return;
  QuantizeSummary summary;
  summary.model = request.model.string();
  summary.output = request.output.string();
  summary.transformed = &transformed.network.module;
  summary.plan = &result.plan;
  summary.warnings = result.warnings;
  for (const WideRegion& region : wide_regions(result.network)) summary.wide.push_back(text_of(region));
  summary.equalization = equalization_lines(result.equalized);
  summary.smoothing = smoothing_lines(result.smoothing);
  summary.outlier_channels = outlier_lines(result.divided);
  summary.samples = result.samples;
  summary.sample_facts = result.sample_facts;
  if (!flags.scales.empty()) summary.sample_facts.push_back("scales of " + flags.scales.string());
  for (const InputFacts& input : result.inputs) summary.inputs.push_back(text_of(input));
  summary.measured_on = result.losses.samples;
  summary.outputs = output_lines(result.losses);
  summary.worst_kernels = kernel_lines(result.losses);
  summary.bytes = written.bytes;
  summary.opset = model.opset;
  summary.float_type = float_name(flags.float_type);
  summary.seconds = watch.laps();
  print_out(quantize_summary(summary));
}

}  // namespace graftwork::core::cli
