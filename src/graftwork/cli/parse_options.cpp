#include "graftwork/cli/parse_options.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <string_view>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/cli/output.h"
#include "graftwork/onnx/opset_range.h"

namespace graftwork::cli {
namespace {

// Upper bounds catch slips and what overflowed while it was read; they limit no one.
constexpr int64_t kLargestLimit = 1'000'000'000'000;
constexpr int64_t kLargestImage = 65'535;  // what a JPEG file can hold

/// Options whose words become enumerators, and those that go to two places, as they were written.
struct Words {
  std::string float_type = "fp16";
  std::string method;
  std::string weights = "int8";
  std::string stage = "float";
  std::string rank = "sqnr";
  std::string image_size;
  std::string resize = "crop";
  std::string channels = "rgb";
  std::vector<std::string> skip;
  std::vector<std::string> inputs;
};

[[noreturn]] void refuse(const std::string& what, const std::string& subcommand) {
  throw Error("usage", what, cat("`graftwork ", subcommand, subcommand.empty() ? "" : " ", "--help`"));
}

CLI::Option* add_path(CLI::App& app, const std::string& name, std::filesystem::path& path, const std::string& text) {
  return app.add_option_function<std::string>(
                name, [&path](const std::string& value) { path = value; }, text)
      ->type_name("FILE");
}

/// An option that may come several times, with one value each.
CLI::Option* add_list(CLI::App& app, const std::string& name, std::vector<std::string>& values, const std::string& type,
                      const std::string& text) {
  return app.add_option(name, values, text)->allow_extra_args(false)->type_name(type);
}

void add_model(CLI::App& app, std::filesystem::path& model, const std::string& text) {
  add_path(app, "MODEL", model, text)->required();
}

/// The options that say what to quantize.
std::vector<CLI::Option*> add_recipe(CLI::App& app, RecipeFlags& flags, Words& words) {
  return {
      add_path(app, "--config", flags.file, "Recipe in JSON: precision, ranges, modules to skip"),
      add_list(app, "--skip", words.skip, "NAME", "Keep this module in floating point: a path, a kind, or with *"),
      add_list(app, "--skip-stub", flags.skip_stub, "NAME", "As --skip, for its inputs only"),
      add_list(app, "--skip-weight", flags.skip_weight, "NAME", "As --skip, for its weight only"),
  };
}

void finish_recipe(RecipeFlags& flags, const Words& words) {
  flags.skip_stub.insert(flags.skip_stub.end(), words.skip.begin(), words.skip.end());
  flags.skip_weight.insert(flags.skip_weight.end(), words.skip.begin(), words.skip.end());
}

CLI::Option* add_plan_file(CLI::App& app, std::filesystem::path& plan) {
  return add_path(app, "--plan", plan, "Do what this plan says (`graftwork plan`), edited or not");
}

/// Which engine, and whose patterns.
void add_backend(CLI::App& app, BackendFlags& flags) {
  app.add_option("--backend", flags.name, "The engine that the file is for: tensorrt")->type_name("NAME");
  app.add_option_function<std::vector<std::string>>(
         "--patterns",
         [&flags](const std::vector<std::string>& values) { flags.patterns.assign(values.begin(), values.end()); },
         "Patterns of your own (.gpat, docs/patterns.md), in front of the built-in ones")
      ->allow_extra_args(false)
      ->type_name("FILE");
}

/// The options that say what becomes of pictures.
void add_images(CLI::App& app, ImageOptions& images, Words& words) {
  app.add_option("--image-size", words.image_size, "Pictures: height and width for the network; default: its input's")
      ->type_name("N|HxW");
  app.add_option(
         "--resize", words.resize,
         "Pictures: crop (cover 256/224 of the size, cut the middle), stretch, letterbox (fit into the middle), "
         "pad (fit into the upper left corner), or N (shorter side to N pixels, cut the middle)")
      ->type_name("HOW")
      ->capture_default_str();
  app.add_option("--pad-value", images.pad_value,
                 "Pictures: what letterbox and pad fill with, 0 to 255; default: 114 for letterbox, 0 for pad")
      ->check(CLI::Range(int64_t{0}, int64_t{255}, "0 to 255"))
      ->type_name("N");
  app.add_option("--channels", words.channels, "Pictures: order of the colours that the network takes: rgb or bgr")
      ->check(CLI::IsMember({"rgb", "bgr"}))
      ->type_name("ORDER")
      ->capture_default_str();
  app.add_option("--mean", images.mean, "Pictures: mean of value/255 by channel; default: ImageNet's, 0 for grey")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("A,B,C");
  app.add_option("--std", images.stddev, "Pictures: deviation of value/255; default: ImageNet's, 1 for grey")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("A,B,C");
}

/// The options that say how to quantize; returned so that `run` can refuse them in its float stages.
std::vector<CLI::Option*> add_calibration(CLI::App& app, CalibrationFlags& flags, Words& words) {
  std::vector<CLI::Option*> options{
      add_path(app, "--calibrate", flags.data,
               "Samples: .npy, .npz (arrays by input name), JPEG, PNG, or a folder of arrays or pictures")
          ->type_name("DATA"),
      app.add_option("--limit", flags.limit, "Use N samples only: the first arrays, pictures evenly spread")
          ->check(CLI::Range(int64_t{1}, kLargestLimit, "1 or more"))
          ->type_name("N"),
      app.add_option("--float", words.float_type, "Type of what is not quantized: fp16, bf16 or fp32")
          ->check(CLI::IsMember({"fp16", "bf16", "fp32"}))
          ->type_name("TYPE")
          ->capture_default_str(),
      app.add_option("--calibration-method", words.method,
                     "Ranges of activations: minmax (all values), mse (least squared error), entropy, histogram, "
                     "percentile or moving_average_minmax; minmax and mse for the weights too; default: the recipe's")
          ->check(CLI::IsMember({"minmax", "mse", "entropy", "histogram", "percentile", "moving_average_minmax"}))
          ->type_name("METHOD"),
      app.add_flag("--keep-bn", flags.keep_batch_norm,
                   "Leave batch norms as nodes of their own instead of folding them into the layers"),
      add_path(app, "--scales", flags.scales,
               "Take scales from this table (--scales-out), edited or not; where it says all, no data are needed"),
  };
  for (CLI::Option* option : add_recipe(app, flags.recipe, words)) options.push_back(option);
  return options;
}

/// A whole number of pixels; nothing for everything else.
std::optional<int64_t> pixels(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 1 || value > kLargestImage) return {};
  return value;
}

void finish_images(ImageOptions& images, const Words& words, const std::string& subcommand) {
  if (!words.image_size.empty()) {
    const size_t cross = words.image_size.find('x');
    const std::optional<int64_t> height = pixels(words.image_size.substr(0, cross));
    const std::optional<int64_t> width =
        cross == std::string::npos ? height : pixels(words.image_size.substr(cross + 1));
    if (!height || !width) {
      refuse(cat("--image-size: ", quoted(words.image_size), " is neither N nor HxW, 1 to ", kLargestImage, " pixels"),
             subcommand);
    }
    images.size = ImageSize{*width, *height};
  }
  if (words.channels == "bgr") images.channels = ChannelOrder::kBgr;
  if (words.resize == "stretch") {
    images.resize = ResizeMode::kStretch;
  } else if (words.resize == "letterbox") {
    images.resize = ResizeMode::kLetterbox;
  } else if (words.resize == "pad") {
    images.resize = ResizeMode::kPad;
  } else if (words.resize != "crop") {
    const std::optional<int64_t> side = pixels(words.resize);
    if (!side) {
      refuse(
          cat("--resize: ", quoted(words.resize), " is none of crop, stretch, letterbox, pad, and a number of pixels"),
          subcommand);
    }
    images.resize = ResizeMode::kShorter;
    images.shorter_side = *side;
  }
  if (images.pad_value && images.resize != ResizeMode::kLetterbox && images.resize != ResizeMode::kPad)
    refuse("--pad-value belongs to --resize letterbox and pad", subcommand);
  const auto is_finite = [](double x) { return std::isfinite(x); };
  const auto is_positive = [](double x) { return std::isfinite(x) && static_cast<float>(x) > 0; };
  if (!std::all_of(images.mean.begin(), images.mean.end(), is_finite)) refuse("--mean: not a number", subcommand);
  if (!std::all_of(images.stddev.begin(), images.stddev.end(), is_positive)) {
    refuse("--std: numbers above 0 are needed", subcommand);
  }
}

void finish_calibration(CalibrationFlags& flags, const Words& words, const std::string& subcommand) {
  finish_images(flags.images, words, subcommand);
  flags.float_type = words.float_type == "fp32" ? DType::kF32 : words.float_type == "bf16" ? DType::kBF16 : DType::kF16;
  if (flags.data.empty() && flags.limit > 0) refuse("--limit belongs to --calibrate DATA", subcommand);
  flags.method = calibration_method(words.method);
  finish_recipe(flags.recipe, words);
}

/// All that says how a network is quantized; add_calibration's options.
std::vector<CLI::Option*> add_quantization(CLI::App& app, CalibrationFlags& flags, Words& words) {
  std::vector<CLI::Option*> options = add_calibration(app, flags, words);
  add_images(app, flags.images, words);
  add_plan_file(app, flags.plan);
  add_backend(app, flags.backend);
  return options;
}

void add_quantize(CLI::App& app, QuantizeRequest& options, Words& words) {
  add_model(app, options.model, "Network written by torch.export.save (.pt2)");
  add_quantization(app, options.calibration, words);
  app.add_option("--weights", words.weights, "Store weights as int8 codes (TensorRT 9 and later) or float")
      ->check(CLI::IsMember({"int8", "float"}))
      ->type_name("FORM")
      ->capture_default_str();
  const onnx::OpsetRange& opsets = onnx::kWrittenOpsets;
  app.add_option("--opset", options.opset, "ONNX opset; default: what the graph needs")
      ->check(CLI::Range(opsets.lowest, opsets.highest, cat(opsets.lowest, " to ", opsets.highest)))
      ->type_name("N");
  app.add_flag("--attention-operator", options.attention_operator,
               "Write attention that stays in FP16 as ONNX's Attention (opset 23)");
  app.add_flag("--no-losses", options.no_losses, "Do not measure what the results lose");
  add_path(app, "--checkpoint", options.calibration.checkpoint,
           "Keep what was seen of the data in this file, and go on from it when it is there");
  add_path(app, "--report", options.report, "Write every decision and its reason, in JSON");
  add_path(app, "--html", options.html, "Write the same as a page to look at: the network, losses, ranges, reasons");
  add_path(app, "--config-out", options.config_output, "Write the recipe that was followed, to use with --config");
  add_path(app, "--scales-out", options.scales_output, "Write all scales as a table, to edit and use with --scales");
  app.add_flag("--quiet", options.calibration.quiet, "Print errors only");
  add_path(app, "-o,--output", options.output, "The ONNX file to write")->required();
  app.footer(
      "Use it when the exported network is to run in TensorRT with INT8 kernels.\n\n"
      "Example:\n  graftwork quantize resnet18.pt2 --calibrate images.npy -o resnet18_int8.onnx\n"
      "  graftwork quantize resnet18.pt2 --calibrate images.npy --skip fc --report report.json -o resnet18_int8.onnx\n"
      "  graftwork quantize resnet18.pt2 --calibrate photos/ --limit 500 -o resnet18_int8.onnx\n"
      "  torchrun --no-python --nproc-per-node 3 graftwork quantize resnet18.pt2 --calibrate photos/ -o "
      "resnet18_int8.onnx");
}

void add_transform(CLI::App& app, TransformRequest& options) {
  add_model(app, options.model, "Network (.pt2), or a printed graph (.gir)");
  add_path(app, "-o,--output", options.output, "Write the graph here (.gir); default: print it");
  add_plan_file(app, options.plan);
  add_backend(app, options.backend);
  add_path(app, "--report", options.report, "Write which pattern did what, and why others did not, in JSON");
  app.footer(
      "Use it to see what is fused, and to learn the module names that --skip takes.\n\n"
      "Example:\n  graftwork transform resnet18.pt2 -o resnet18.gir --report report.json");
}

void add_plan(CLI::App& app, PlanRequest& options, Words& words) {
  add_model(app, options.model, "Network (.pt2), or a printed graph (.gir)");
  CLI::Option* const quantize = app.add_flag("--quantize", options.quantize, "Plan Q/DQ too");
  app.add_flag("--dry-run", options.dry_run, "Print what each rule and policy of the recipe decides, and write nothing")
      ->needs(quantize);
  for (CLI::Option* option : add_recipe(app, options.recipe, words)) option->needs(quantize);
  add_path(app, "--plan", options.plan, "Keep the transformation of this plan, edited or not; plan Q/DQ behind it");
  add_backend(app, options.backend);
  add_path(app, "-o,--output", options.output, "The plan to write (JSON)");
  app.footer(
      "Use it to see every decision before it is carried out, to change one, and to do the same again later.\n\n"
      "Example:\n  graftwork plan resnet18.pt2 --quantize -o plan.json\n"
      "  graftwork quantize resnet18.pt2 --plan plan.json --calibrate images.npy -o resnet18_int8.onnx");
}

void add_explain(CLI::App& app, ExplainRequest& options) {
  add_model(app, options.model, "Network (.pt2), or a printed graph (.gir)");
  app.add_option("NODE", options.node, "A value (%relu or relu), or the path of a module (layer1.0.conv1)")->required();
  add_backend(app, options.backend);
  app.footer(
      "Use it when something did not fuse: it names the patterns that could have, and what was in their way.\n\n"
      "Example:\n  graftwork explain resnet18.pt2 layer1.0.relu");
}

void add_inspect(CLI::App& app, InspectRequest& options) {
  add_model(app, options.model, "Network (.pt2), or a printed graph (.gir)");
  app.add_flag("--json", options.json, "For machines");
  app.footer(
      "Use it first on a new network: it shows inputs, operators, parameters, graph, and what is not supported.\n\n"
      "Example:\n  graftwork inspect resnet18.pt2");
}

std::vector<CLI::Option*> add_run(CLI::App& app, RunRequest& options, Words& words) {
  add_model(app, options.model, "Network written by torch.export.save (.pt2)");
  add_list(app, "--input", words.inputs, "NAME=FILE",
           "Value of an input: .npy, JPEG, PNG, or a folder; NAME= may be left out if there is one input, and an .npz "
           "file without it holds all inputs by name")
      ->required();
  app.add_option("--stage", words.stage, "float (as loaded), transformed, or quantized (needs --calibrate)")
      ->check(CLI::IsMember({"float", "transformed", "quantized"}))
      ->type_name("STAGE")
      ->capture_default_str();
  const std::vector<CLI::Option*> calibration = add_quantization(app, options.calibration, words);
  add_path(app, "--override", options.override_file, "Arrays by value name (.npz) that readers get in their place");
  add_list(app, "--values", options.values, "NAME", "Write this inner value too, as it was before an override; or all");
  app.add_flag("--quiet", options.calibration.quiet, "Print errors only");
  add_path(app, "-o,--output", options.output, "The .npz file to write: results by name")->required();
  app.footer(
      "Use it to compare the stages with one another and with PyTorch, on the CPU.\n\n"
      "Example:\n  graftwork run resnet18.pt2 --input x=image.npy --stage quantized --calibrate images.npy -o y.npz");
  return calibration;
}

InputFile input_file(const std::string& text) {
  const size_t equals = text.find('=');
  InputFile input;
  if (equals != std::string::npos) input.name = text.substr(0, equals);
  input.path = equals == std::string::npos ? text : text.substr(equals + 1);
  if (equals == 0 || input.path.empty()) refuse(cat("--input: \"", text, "\" is not NAME=FILE"), "run");
  return input;
}

void finish_run(RunRequest& options, const Words& words, const std::vector<CLI::Option*>& calibration) {
  if (words.stage == "transformed") options.stage = Stage::kTransformed;
  if (words.stage == "quantized") options.stage = Stage::kQuantized;
  if (options.stage == Stage::kQuantized && options.calibration.data.empty() && options.calibration.scales.empty()) {
    refuse("--stage quantized needs --calibrate DATA or --scales FILE", "run");
  }
  for (const CLI::Option* option : calibration) {
    if (options.stage == Stage::kQuantized || option->count() == 0) continue;
    refuse(cat(option->get_name(), " belongs to --stage quantized"), "run");
  }
  if (options.stage == Stage::kFloat && !options.calibration.plan.empty()) {
    refuse("--plan belongs to --stage transformed and quantized", "run");
  }
  if (options.stage == Stage::kFloat && !options.calibration.backend.name.empty()) {
    refuse("--backend belongs to --stage transformed and quantized", "run");
  }
  if (options.stage == Stage::kFloat && !options.calibration.backend.patterns.empty()) {
    refuse("--patterns belongs to --stage transformed and quantized", "run");
  }
  finish_calibration(options.calibration, words, "run");
  for (const std::string& text : words.inputs) {
    options.inputs.push_back(input_file(text));
    for (size_t i = 0; i + 1 < options.inputs.size(); ++i) {
      if (options.inputs[i].name != options.inputs.back().name) continue;
      const std::string& name = options.inputs[i].name;
      refuse(cat("--input gives ", name.empty() ? "the input" : name, " twice"), "run");
    }
  }
}

std::vector<CLI::Option*> add_compare(CLI::App& app, CompareRequest& options, Words& words) {
  words.stage = "quantized";
  add_model(app, options.model, "Network written by torch.export.save (.pt2)");
  add_path(app, "FILE", options.file, "The ONNX file that `quantize` wrote of it, to compare too");
  add_path(app, "--data", options.data, "Samples to compare on, and to calibrate with unless --calibrate says others")
      ->required()
      ->type_name("DATA");
  app.add_option("--samples", options.samples, "Compare on N of them, evenly spread; default: one in sixteen, 1 to 8")
      ->check(CLI::Range(int64_t{1}, kLargestLimit, "1 or more"))
      ->type_name("N");
  app.add_option("--stage", words.stage, "How far to go without a file: float, transformed, or quantized")
      ->check(CLI::IsMember({"float", "transformed", "quantized"}))
      ->type_name("STAGE")
      ->capture_default_str();
  const std::vector<CLI::Option*> calibration = add_quantization(app, options.calibration, words);
  add_path(app, "--report", options.report, "Write every figure, in JSON");
  app.add_flag("--quiet", options.calibration.quiet, "Print errors only");
  app.footer(
      "Use it when results are wrong: it walks from the network in floating point over the fused and the quantized one "
      "to the file, and names the first value where two of them part. Say of ranges, recipe and plan what `quantize` "
      "was told. The file is run by ONNX Runtime, if python3 has it.\n\n"
      "Example:\n  graftwork compare resnet18.pt2 resnet18_int8.onnx --data images.npy\n"
      "  graftwork compare resnet18.pt2 --stage transformed --data images.npy");
  return calibration;
}

void finish_compare(CompareRequest& options, const Words& words, const std::vector<CLI::Option*>& calibration) {
  if (words.stage == "float") options.stage = Stage::kFloat;
  if (words.stage == "transformed") options.stage = Stage::kTransformed;
  if (options.stage != Stage::kQuantized && !options.file.empty()) {
    refuse("a file stands behind the quantized stage: either FILE or --stage", "compare");
  }
  for (const CLI::Option* option : calibration) {
    if (options.stage == Stage::kQuantized || option->count() == 0 || option->get_name() == "--limit") continue;
    refuse(cat(option->get_name(), " belongs to --stage quantized"), "compare");
  }
  if (options.calibration.data.empty()) options.calibration.data = options.data;
  finish_calibration(options.calibration, words, "compare");
}

void add_sensitivity(CLI::App& app, SensitivityRequest& options, Words& words) {
  add_model(app, options.model, "Network written by torch.export.save (.pt2)");
  add_path(app, "--data", options.data, "Samples to measure on, and to calibrate with unless --calibrate says others")
      ->required()
      ->type_name("DATA");
  app.add_option("--samples", options.samples,
                 "Measure on N of them, evenly spread; default: one in sixteen, 1 to 8; with --labels all")
      ->check(CLI::Range(int64_t{1}, kLargestLimit, "1 or more"))
      ->type_name("N");
  add_path(app, "--labels", options.labels,
           "Class of each sample (.npy): top-1 of the output with most classes is measured too");
  app.add_option("--rank", words.rank, "Order of the layers: sqnr, cosine, clipped (share beyond the range), top1")
      ->check(CLI::IsMember({"sqnr", "cosine", "clipped", "top1"}))
      ->type_name("BY")
      ->capture_default_str();
  add_path(app, "--checkpoint", options.checkpoint, "Keep figures here (.npz) as they come; a second run goes on");
  CLI::Option* const target = app.add_option("--target-sqnr", options.target_sqnr,
                                             "Write the recipe that skips the fewest layers and reaches this, in dB")
                                  ->type_name("DB");
  CLI::Option* const budget =
      app.add_option("--budget", options.budget, "Write the recipe that skips the N layers whose skipping wins most")
          ->check(CLI::Range(int64_t{0}, kLargestLimit, "0 or more"))
          ->type_name("N");
  target->excludes(budget);
  add_quantization(app, options.calibration, words);
  add_path(app, "--report", options.report, "Write all layers and their ranks, in JSON");
  app.add_flag("--quiet", options.calibration.quiet, "Print errors only");
  add_path(app, "-o,--recipe-out", options.recipe, "The recipe to write, for `quantize --config`");
  app.footer(
      "Use it when a quantized network is not good enough: it says which layers are to blame, and what skipping them "
      "wins.\n\n"
      "Example:\n  graftwork sensitivity resnet18.pt2 --data images.npy\n"
      "  graftwork sensitivity resnet18.pt2 --data images.npy --target-sqnr 30 -o recipe.json\n"
      "  graftwork quantize resnet18.pt2 --calibrate images.npy --config recipe.json -o resnet18_int8.onnx");
}

void finish_sensitivity(SensitivityRequest& options, const Words& words) {
  if (words.rank == "cosine") options.rank = SensitivityRank::kCosine;
  if (words.rank == "clipped") options.rank = SensitivityRank::kClipped;
  if (words.rank == "top1") options.rank = SensitivityRank::kTop1;
  if (options.rank == SensitivityRank::kTop1 && options.labels.empty()) {
    refuse("--rank top1 needs --labels FILE", "sensitivity");
  }
  if (options.target_sqnr && !std::isfinite(*options.target_sqnr)) refuse("--target-sqnr: not a number", "sensitivity");
  const bool wants_recipe = options.target_sqnr || options.budget;
  if (wants_recipe && options.recipe.empty()) {
    refuse("--target-sqnr and --budget write a recipe: --recipe-out FILE is needed", "sensitivity");
  }
  if (!wants_recipe && !options.recipe.empty()) {
    refuse("--recipe-out needs --target-sqnr DB or --budget N", "sensitivity");
  }
  if (wants_recipe && !options.calibration.scales.empty()) {
    refuse("--scales knows of no layers to skip: a recipe is chosen by the data alone", "sensitivity");
  }
  if (options.calibration.data.empty()) options.calibration.data = options.data;
  finish_calibration(options.calibration, words, "sensitivity");
}

std::string selected_name(const CLI::App& app) {
  const std::vector<CLI::App*> selected = app.get_subcommands();
  return selected.empty() ? "" : selected.front()->get_name();
}

}  // namespace

std::optional<Request> parse_options(int argc, const char* const* argv) {
  CLI::App app{
      "Takes a PyTorch network to INT8 for TensorRT:\n"
      "  model.pt2 -> import -> transform (fuse) -> calibrate -> quantize -> model.onnx with explicit Q/DQ",
      "graftwork"};
  app.set_help_flag("-h,--help", "Show this text");
  app.set_version_flag("--version", "graftwork " GRAFTWORK_VERSION, "Show the version");
  app.get_formatter()->column_width(28);
  app.require_subcommand(1);
  app.footer("`graftwork quantize --help` shows the options of a subcommand and an example.");

  QuantizeRequest quantize;
  TransformRequest transform;
  PlanRequest plan;
  ExplainRequest explain;
  InspectRequest inspect;
  RunRequest run;
  SensitivityRequest sensitivity;
  CompareRequest compare;
  Words quantize_words;
  Words plan_words;
  Words run_words;
  Words sensitivity_words;
  Words compare_words;
  CLI::App* const quantize_app =
      app.add_subcommand("quantize", "Do it all: network and samples in, INT8 ONNX file out");
  CLI::App* const transform_app = app.add_subcommand("transform", "Show the graph after conversions and fusions");
  CLI::App* const plan_app = app.add_subcommand("plan", "Write every decision down, to edit and replay");
  CLI::App* const explain_app = app.add_subcommand("explain", "Say what became of a node, and why it did not fuse");
  CLI::App* const inspect_app = app.add_subcommand("inspect", "Show what a network consists of");
  CLI::App* const run_app = app.add_subcommand("run", "Run a network at any stage on given inputs");
  CLI::App* const sensitivity_app =
      app.add_subcommand("sensitivity", "Rank the layers by what their quantization costs; say which to skip");
  CLI::App* const compare_app =
      app.add_subcommand("compare", "Walk from the float network to the file, and name where they part");
  add_quantize(*quantize_app, quantize, quantize_words);
  add_transform(*transform_app, transform);
  add_plan(*plan_app, plan, plan_words);
  add_explain(*explain_app, explain);
  add_inspect(*inspect_app, inspect);
  const std::vector<CLI::Option*> run_calibration = add_run(*run_app, run, run_words);
  add_sensitivity(*sensitivity_app, sensitivity, sensitivity_words);
  const std::vector<CLI::Option*> compare_calibration = add_compare(*compare_app, compare, compare_words);

  const std::string_view first = argc > 1 ? argv[1] : "";
  if (first.empty())
    refuse("a subcommand is needed: quantize, transform, plan, explain, inspect, run, sensitivity or compare", "");
  const auto named = [&](const CLI::App* subcommand) { return subcommand->get_name() == first; };
  const std::vector<CLI::App*> subcommands = app.get_subcommands([](CLI::App*) { return true; });
  if (first.front() != '-' && std::none_of(subcommands.begin(), subcommands.end(), named)) {
    refuse(cat("there is no subcommand ", quoted(first),
               ", only quantize, transform, plan, explain, inspect, run, sensitivity and compare"),
           "");
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    print_out(app.help());
    return std::nullopt;
  } catch (const CLI::CallForVersion& version) {
    print_out(std::string(version.what()) + "\n");
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    refuse(error.what(), selected_name(app));
  }
  if (*quantize_app) {
    if (quantize.calibration.data.empty() && quantize.calibration.scales.empty())
      refuse("--calibrate DATA or --scales FILE is needed", "quantize");
    finish_calibration(quantize.calibration, quantize_words, "quantize");
    if (quantize.calibration.data.empty() && !quantize.calibration.images.is_default())
      refuse(cat(kImageOptions, " belong to --calibrate DATA"), "quantize");
    quantize.float_weights = quantize_words.weights == "float";
    return quantize;
  }
  if (*transform_app) return transform;
  if (*plan_app) {
    if (plan.output.empty() && !plan.dry_run) refuse("--output is required", "plan");
    finish_recipe(plan.recipe, plan_words);
    return plan;
  }
  if (*explain_app) return explain;
  if (*inspect_app) return inspect;
  if (*compare_app) {
    finish_compare(compare, compare_words, compare_calibration);
    return compare;
  }
  if (*sensitivity_app) {
    finish_sensitivity(sensitivity, sensitivity_words);
    return sensitivity;
  }
  finish_run(run, run_words, run_calibration);
  return run;
}

}  // namespace graftwork::cli
