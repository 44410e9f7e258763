#include "graftwork/base/text.h"
#include "graftwork/cli/launcher/options/network_options.h"
#include "graftwork/cli/launcher/options/open_options.h"
#include "graftwork/cli/launcher/options/quantization_options.h"
#include "graftwork/cli/launcher/options/subcommand.h"
#include "graftwork/onnx/opset_range.h"

namespace graftwork::core::cli {
namespace {

class Quantize final : public Subcommand {
 public:
  explicit Quantize(CLI::App& command)
      : Subcommand(*command.add_subcommand("quantize", "Do it all: network and samples in, INT8 ONNX file out")) {
    CLI::App& own = app();
    add_network(own, request_.model);
    open_.add_to(own);
    quantization_.add_to(own);
    add_choice(own, "--weights", request_.float_weights, {{"int8", false}, {"float", true}}, "FORM",
               "Store weights as int8 codes (TensorRT 9 and later) or float");
    const onnx::OpsetRange& opsets = onnx::kWrittenOpsets;
    own.add_option("--opset", request_.opset, "ONNX opset; default: what the graph needs")
        ->check(CLI::Range(opsets.lowest, opsets.highest, cat(opsets.lowest, " to ", opsets.highest)))
        ->type_name("N");
    own.add_flag("--attention-operator", request_.attention_operator,
                 "Write attention that stays in FP16 as ONNX's Attention (opset 23)");
    own.add_flag("--no-losses", request_.no_losses, "Do not measure what the results lose");
    add_path(own, "--checkpoint", request_.calibration.checkpoint,
             "Keep what was seen of the data in this file, and go on from it when it is there");
    add_path(own, "--report", request_.report, "Write every decision and its reason, in JSON");
    add_path(own, "--html", request_.html, "Write the same as a page to look at: the network, losses, ranges, reasons");
    add_path(own, "--config-out", request_.config_output, "Write the recipe that was followed, to use with --config");
    add_path(own, "--scales-out", request_.scales_output, "Write all scales as a table, to edit and use with --scales");
    add_memory_limit(own, request_.calibration);
    add_quiet(own, request_.calibration);
    add_path(own, "-o,--output", request_.output, "The ONNX file to write")->required();
    own.footer(
        "Use it when the exported network is to run in TensorRT with INT8 kernels.\n\n"
        "Example:\n  graftwork quantize resnet18.pt2 --calibrate images.npy -o resnet18_int8.onnx\n"
        "  graftwork quantize resnet18.pt2 --calibrate images.npy --skip fc --report report.json -o "
        "resnet18_int8.onnx\n"
        "  graftwork quantize resnet18.pt2 --calibrate photos/ --limit 500 -o resnet18_int8.onnx\n"
        "  torchrun --no-python --nproc-per-node 3 graftwork quantize resnet18.pt2 --calibrate photos/ -o "
        "resnet18_int8.onnx");
  }

  Request request() override {
    open_.finish(app(), request_.model);
    const CalibrationFlags& flags = request_.calibration;
    if (flags.data.empty() && flags.scales.empty()) refuse(app(), "--calibrate DATA or --scales FILE is needed");
    quantization_.finish(app());
    if (flags.data.empty() && !flags.images.is_default())
      refuse(app(), cat(kImageOptions, " belong to --calibrate DATA"));
    return request_;
  }

 private:
  QuantizeRequest request_;
  OpenOptions open_{request_.open};
  QuantizationOptions quantization_{request_.calibration};
};

}  // namespace

std::unique_ptr<Subcommand> add_quantize(CLI::App& command) { return std::make_unique<Quantize>(command); }

}  // namespace graftwork::core::cli
