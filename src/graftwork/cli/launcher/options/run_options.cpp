#include "graftwork/base/text.h"
#include "graftwork/cli/launcher/options/network_options.h"
#include "graftwork/cli/launcher/options/open_options.h"
#include "graftwork/cli/launcher/options/quantization_options.h"
#include "graftwork/cli/launcher/options/subcommand.h"

namespace graftwork::core::cli {
namespace {

class Run final : public Subcommand {
 public:
  explicit Run(CLI::App& command)
      : Subcommand(*command.add_subcommand("run", "Run a network at any stage on given inputs")) {
    CLI::App& own = app();
    add_network(own, request_.model);
    open_.add_to(own);
    add_list(own, "--input", inputs_, "NAME=FILE",
             "Value of an input: .npy, JPEG, PNG, or a folder; NAME= may be left out if there is one input, and an "
             ".npz file without it holds all inputs by name")
        ->required();
    add_stage(own, request_.stage, "float (as loaded), transformed, or quantized (needs --calibrate)");
    quantization_.add_to(own);
    add_path(own, "--override", request_.override_file, "Arrays by value name (.npz) that readers get in their place");
    add_list(own, "--values", request_.values, "NAME",
             "Write this inner value too, as it was before an override; or all");
    add_memory_limit(own, request_.calibration);
    add_quiet(own, request_.calibration);
    add_path(own, "-o,--output", request_.output, "The .npz file to write: results by name")->required();
    own.footer(
        "Use it to compare the stages with one another and with PyTorch, on the CPU.\n\n"
        "Example:\n  graftwork run resnet18.pt2 --input x=image.npy --stage quantized --calibrate images.npy -o "
        "y.npz");
  }

  Request request() override {
    open_.finish(app(), request_.model);
    check_output();
    check_stage();
    quantization_.finish(app());
    for (const std::string& text : inputs_) {
      request_.inputs.push_back(input_file(text));
      refuse_twice();
    }
    return request_;
  }

 private:
  void check_output() const {
    if (request_.output.extension() == ".npy")
      refuse(app(),
             cat("-o ", request_.output.string(), ": results are written as .npz, by name; give it that ending"));
  }

  void check_stage() const {
    const CalibrationFlags& flags = request_.calibration;
    if (request_.stage == Stage::kQuantized) {
      if (flags.data.empty() && flags.scales.empty())
        refuse(app(), "--stage quantized needs --calibrate DATA or --scales FILE");
      return;
    }
    quantization_.refuse_before_quantized(app());
    if (request_.stage == Stage::kTransformed) return;
    const auto refuse_in_float = [&](const std::string& option, bool is_given) {
      if (is_given) refuse(app(), option + " belongs to --stage transformed and quantized");
    };
    refuse_in_float("--plan", !flags.plan.empty());
    refuse_in_float("--backend", !flags.backend.name.empty());
    refuse_in_float("--patterns", !flags.backend.patterns.empty());
  }

  InputFile input_file(const std::string& text) const {
    const size_t equals = text.find('=');
    InputFile input;
    if (equals != std::string::npos) input.name = text.substr(0, equals);
    input.path = equals == std::string::npos ? text : text.substr(equals + 1);
    if (equals == 0 || input.path.empty()) refuse(app(), cat("--input: \"", text, "\" is not NAME=FILE"));
    return input;
  }

  void refuse_twice() const {
    const std::string& name = request_.inputs.back().name;
    for (size_t i = 0; i + 1 < request_.inputs.size(); ++i) {
      if (request_.inputs[i].name == name)
        refuse(app(), cat("--input gives ", name.empty() ? "the input" : name, " twice"));
    }
  }

  RunRequest request_;
  OpenOptions open_{request_.open};
  QuantizationOptions quantization_{request_.calibration};
  std::vector<std::string> inputs_;
};

}  // namespace

std::unique_ptr<Subcommand> add_run(CLI::App& command) { return std::make_unique<Run>(command); }

}  // namespace graftwork::core::cli
