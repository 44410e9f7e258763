// The C++ library as its users see it: this file includes nothing but its headers and torch's.
#include <torch/csrc/jit/api/module.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/normalization.h>
#include <torch/optim/sgd.h>

#include "unit/library/library_testing.h"

namespace graftwork::testing {
namespace {

TEST_F(Library, CapturesAModuleWithItsNamesAndItsTensors) {
  const Network network =
      capture(model_, inputs_, {.input_names = {"image", "skip"}, .output_names = {"scores", "map"}});
  EXPECT_EQ(network.input_names(), (std::vector<std::string>{"image", "skip"}));
  EXPECT_EQ(network.output_names(), (std::vector<std::string>{"scores", "map"}));
  EXPECT_EQ(code_of([&] { capture(model_, inputs_, {.input_names = {"a", "a"}}); }), "capture.input");
  EXPECT_EQ(code_of([&] { capture(model_, inputs_, {.input_names = {"a", "b", "c"}}); }), "capture.input");
  EXPECT_EQ(code_of([&] { capture(model_, inputs_, {.output_names = {"p", "p"}}); }), "capture.output");
  const auto parameters = model_->named_parameters();
  bool found = false;
  for (const auto& [name, tensor] : network.named_tensors()) {
    if (name != "conv.weight") continue;
    found = true;
    EXPECT_TRUE(tensor.is_same(parameters["conv.weight"]));
  }
  EXPECT_TRUE(found);
  EXPECT_TRUE(network.unsupported().empty());
  const auto [scores, map] = model_->forward(data_[0][0], data_[0][1]);
  const std::vector<at::Tensor> results = network(data_[0]);  // of two samples, captured with one
  EXPECT_LT(difference(results[0], scores), 1e-5);
  EXPECT_LT(difference(results[1], map), 1e-5);
}

TEST_F(Library, CapturesHoldersPointersFunctionsAndSequentials) {
  EXPECT_EQ(capture(*model_, inputs_).graph().text(), capture(model_, inputs_).graph().text());
  std::shared_ptr<TwoImpl> pointer = model_.ptr();
  EXPECT_EQ(capture(pointer, inputs_).graph().text(), capture(model_, inputs_).graph().text());
  torch::nn::Sequential layers(torch::nn::Linear(4, 6), torch::nn::Linear(6, 2));
  const at::Tensor x = at::randn({3, 4});
  const Network sequential = capture(layers, {x});
  EXPECT_LT(difference(sequential(x), layers->forward(x)), 1e-6);
  const auto twice = [](const at::Tensor& a) { return std::vector<at::Tensor>{a * 2, a.sum(1)}; };
  const auto of_vector = [](const std::vector<at::Tensor>& all) { return all[0].neg(); };
  EXPECT_LT(difference(capture(of_vector, {x})(x), -x), 1e-6);
  const std::vector<at::Tensor> results = capture(twice, {x})(std::vector<at::Tensor>{x});
  EXPECT_LT(difference(results[1], x.sum(1)), 1e-6);
  const Forward forward = [](const std::vector<at::Tensor>& inputs) {
    return std::vector<at::Tensor>{inputs[0].neg()};
  };
  EXPECT_LT(difference(capture(forward, {x})(x), -x), 1e-6);
  EXPECT_EQ(code_of([&] { capture(model_, {x}); }), "capture.input");
}

TEST_F(Library, ShowsTheGraph) {
  const TransformationResult result = transformed();
  const Network& network = result.model;
  std::vector<std::string> kinds;
  for (const Module& module : network.modules()) kinds.push_back(module.kind());
  EXPECT_EQ(kinds, (std::vector<std::string>{"FusedConvBNAct", "FusedAdaptiveAvgPool2d", "FusedConvBN", "nn.Flatten"}));
  const Module kernel = network["FusedConvBNAct_0"];
  EXPECT_EQ(kernel.inputs_to_quantize(), std::vector<int64_t>{0});
  EXPECT_EQ(kernel["conv"].path(), "conv");
  EXPECT_EQ(kernel["conv"], network["conv"]);
  EXPECT_EQ(kernel.parts().front().first, "conv");
  EXPECT_EQ(code_of([&] { kernel["gate"]; }), "graph.part");
  EXPECT_EQ(code_of([&] { network["conv9"]; }), "graph.module");
  EXPECT_EQ(code_of([&] { network.graph().node("y9"); }), "graph.node");
  const Node node = network.graph().node("fused_conv_bn_act_0");
  EXPECT_EQ(node.op(), "FusedConvBNAct");
  EXPECT_EQ(node.type(), "f32[1, 8, 8, 8]");
  EXPECT_EQ(node.inputs().front().op(), "input");
  EXPECT_EQ(node.module()->path(), "FusedConvBNAct_0");
  EXPECT_EQ(network.graph().size(), network.graph().nodes().size());
  EXPECT_NE(network.print_readable().find("%fused_conv_bn_act_0: f32[1, 8, 8, 8]"), std::string::npos);
}

TEST_F(Library, TransformsWithListsOfOnesOwn) {
  const Network network = capture(model_, inputs_);
  const std::string before = network.graph().text();
  const TransformationResult all = transform(network);
  EXPECT_EQ(network.graph().text(), before);
  EXPECT_EQ(all.model.graph().text(), transform(network, TENSORRT_PATTERNS).model.graph().text());
  const Patterns built_in = TENSORRT_PATTERNS;
  EXPECT_EQ(built_in.names(), (Patterns(TENSORRT_CONVERSIONS) + TENSORRT_FUSIONS).names());
  EXPECT_EQ(Patterns(TENSORRT_SMOOTHINGS).names(),
            (std::vector<std::string>{"NormSmoothingPattern", "AttentionSmoothingPattern"}));
  EXPECT_FALSE(Patterns(TENSORRT_QUANTIZATIONS).names().empty());
  const TransformationResult bare = transform(network, built_in.only({"ConvBNPattern"}));
  EXPECT_EQ(bare.report.counts.at("ConvBNPattern"), 1U);
  EXPECT_EQ(bare.report.counts.contains("ConvBNActPattern"), false);
  EXPECT_FALSE(transform(network, built_in.without({"ConvBNActPattern"})).report.counts.contains("ConvBNActPattern"));
  const Patterns mine = pattern(
      "fusion MinePattern {\n  %pool = nn.AdaptiveAvgPool2d(%x)\n  %flat = nn.Flatten(%pool)\n"
      "  => %flat = kernel FusedMine(%x) [pool, flat]\n}\n");
  const TransformationResult with_mine = transform(network, mine + built_in.only({"ConvBNPattern"}));
  EXPECT_EQ(with_mine.report.counts.at("MinePattern"), 1U);
  EXPECT_EQ(with_mine.model["FusedMine_0"]["pool"].kind(), "nn.AdaptiveAvgPool2d");
  EXPECT_LT(difference(with_mine.model(inputs_)[0], network(inputs_)[0]), 1e-6);
  EXPECT_EQ(code_of([&] { built_in.only({"NoPattern"}); }), "patterns.name");
  EXPECT_EQ(code_of([&] { mine + mine; }), "patterns.name");
  EXPECT_EQ(code_of([] { pattern("fusion {"); }), "gpat.syntax");
  EXPECT_EQ(code_of([&] { transform(model_, inputs_, TENSORRT_PATTERNS, Trace::EXPORT); }), "capture.trace");
  EXPECT_NE(prepare_graph(network).graph().text().find("nn.Conv2d"), std::string::npos);
}

TEST_F(Library, PlansAreEditedAndReplayed) {
  const Network network = capture(model_, inputs_);
  TransformationPlan plan = get_transformation_plan(network);
  EXPECT_EQ(apply_transformation_plan(network, plan).model.graph().text(), transform(network).model.graph().text());
  PlannedMatch* chosen = nullptr;
  for (PlannedRound& round : plan.rounds) {
    for (PlannedMatch& match : round.matches) {
      if (match.pattern == "ConvBNActPattern" && match.apply) chosen = &match;
    }
  }
  ASSERT_TRUE(chosen);
  plan.match(chosen->node, "ConvBNActPattern").apply = false;
  const TransformationPlan reread = TransformationPlan::parse(plan.json());
  EXPECT_EQ(reread.json(), plan.json());
  EXPECT_FALSE(apply_transformation_plan(network, reread).report.counts.contains("ConvBNActPattern"));
  EXPECT_EQ(code_of([&] { plan.match("nothing", "ConvBNActPattern"); }), "plan.match");
  EXPECT_NE(explain(network, "conv").find("ConvBNActPattern"), std::string::npos);
  EXPECT_EQ(code_of([&] { explain(network, "conv9"); }), "explain.node");
}

TEST_F(Library, QuantizesWhatIsPushedAsWhatIsPulled) {
  const Network network = transformed().model;
  const QuantizationResult pushed = calibrated(network);
  const QuantizationResult pulled = quantize(network, all());
  EXPECT_EQ(pushed.scales(), pulled.scales());
  EXPECT_EQ(pushed.samples(), 12);
  EXPECT_EQ(pushed.stubs().size(), 2U);
  EXPECT_GT(pushed.stubs().front().scale, 0);
  EXPECT_FALSE(pushed.stubs().front().reason.empty());
  EXPECT_EQ(pushed.quantized_weights(), 2U);
  const std::vector<at::Tensor> quantized = pushed.model()(inputs_), plain = network(inputs_);
  EXPECT_GT(difference(quantized[0], plain[0]), 0);
  EXPECT_LT(difference(quantized[0], plain[0]), 0.1);
  // The tensors are the model's.
  EXPECT_TRUE(std::ranges::any_of(pushed.model().named_tensors(),
                                  [&](const auto& named) { return named.second.is_same(model_->conv->weight); }));
}

TEST_F(Library, SkipsModulesTakenFromTheGraph) {
  const Network network = transformed().model;
  const Module conv = network["FusedConvBNAct_0"]["conv"];
  QuantConfig config;
  config.skip = {.stub = {conv}, .weight = {conv}};
  EXPECT_EQ(calibrated(network, config).quantized_weights(), 1U);
  config.skip = {.stub = {"no.such.module"}, .weight = {}};
  EXPECT_EQ(code_of([&] { calibrated(network, config); }), "config.skip");
}

TEST_F(Library, RecipesAreThoseOfTheCommand) {
  EXPECT_EQ(QuantConfig().json(), QuantConfig::parse("{}").json());
  const std::string recipe =
      R"({"activation": {"calibration_method": "percentile", "percentile": 99.9, "outlier_channels": "keep"},)"
      R"( "weight": {"precision": "int4", "rounding": "adaround", "rounding_iterations": 7, "bias_correction": false},)"
      R"( "skip": {"stub": ["fc"]}, "policy": {"depthwise": "float", "rules": [{"match": {"name": "fc"}, "precision": "float"}]},)"
      R"( "smooth_quant": {"alpha": 0.25, "pairs": {"norm": "search"}}})";
  const QuantConfig config = QuantConfig::parse(recipe);
  EXPECT_EQ(config.activation.percentile, 99.9);
  EXPECT_EQ(config.weight.precision, Precision::INT4);
  EXPECT_EQ(config.weight.quant_max(), 7);
  EXPECT_EQ(config.activation.quant_min(), -128);
  EXPECT_EQ(config.skip.stub.front().text(), "fc");
  EXPECT_EQ(config.smooth_quant->alpha, 0.25);
  EXPECT_EQ(QuantConfig::parse(config.json()).json(), config.json());
  EXPECT_NE(config.json().find("depthwise"), std::string::npos);
  EXPECT_EQ(code_of([] { QuantConfig::parse("{\"activations\": 1}"); }).substr(0, 7), "config.");
}

TEST_F(Library, OptionsReachTheCalibration) {
  const Network network = transformed().model;
  int64_t last = 0;
  QuantizeOptions options;
  options.float_type = FloatType::FP32;
  options.losses = true;
  options.threads = 1;
  options.progress = [&](int64_t done, int64_t total) { last = done * 100 / total; };
  const QuantizationResult first = quantize(network, all(), {}, options);
  EXPECT_EQ(last, 100);
  ASSERT_EQ(first.losses().size(), 2U);
  EXPECT_GT(first.losses().front().sqnr_db, 10);
  QuantizeOptions again;
  again.float_type = FloatType::FP32;
  again.scales = first.scales();
  EXPECT_EQ(quantize(network, TensorSamples({}), {}, again).scales(), first.scales());
  again.scales = {};
  again.plan = first.plan();
  EXPECT_EQ(quantize(network, all(), {}, again).plan(), first.plan());
  options.interrupted = [] { return true; };
  EXPECT_EQ(code_of([&] { quantize(network, all(), {}, options); }), "interrupted");
  EXPECT_EQ(code_of([&] { Calibrator(network).finish(); }), "data.empty");
  QuantConfig skips_nothing;
  skips_nothing.skip.stub = {std::string("nowhere")};
  EXPECT_EQ(code_of([&] { Calibrator(network, skips_nothing); }), "config.skip");
  EXPECT_EQ(code_of([] { TensorSamples({at::zeros({2, 1}), at::zeros({3, 1})}); }), "data.shape");
}

TEST_F(Library, SaysWhatSmoothQuantHasMeasured) {
  torch::nn::LayerNorm norm(torch::nn::LayerNormOptions({8}));
  torch::nn::Linear fc(8, 8);
  const at::Tensor x = at::randn({16, 8});
  const auto forward = [&](const at::Tensor& rows) { return fc(norm(rows)); };
  const Network network = transform(forward, {x}).model;
  QuantConfig config;
  EXPECT_TRUE(quantize(network, TensorSamples({x}), config).smoothing().empty());
  config.smooth_quant.emplace();
  const std::vector<SmoothedPair> pairs = quantize(network, TensorSamples({x}), config).smoothing();
  ASSERT_EQ(pairs.size(), 1U);
  EXPECT_EQ(pairs[0].refusal, "");
  EXPECT_EQ(pairs[0].readers.size(), 1U);
  EXPECT_EQ(network[pairs[0].source].kind(), "nn.LayerNorm");
  EXPECT_LT(difference(pairs[0].channel_amax, norm(x).abs().amax(0)), 1e-5);
}

TEST_F(Library, GoesOnWhereItStopped) {
  const Network network = transformed().model;
  const std::string wanted = calibrated(network).scales();
  const TemporaryFile file("library_test.calibration");
  Calibrator first(network);
  for (size_t i = 0; i < 4; ++i) first.observe(data_[i]);
  first.save(file.path);
  Calibrator second(network);
  second.resume(file.path);
  EXPECT_EQ(second.samples(), 8);
  for (auto i = static_cast<size_t>(second.samples()) / 2; i < data_.size(); ++i) second.observe(data_[i]);
  EXPECT_EQ(second.finish().scales(), wanted);
  EXPECT_EQ(code_of([&] { Calibrator(network, {}, {.float_type = FloatType::FP32}).resume(file.path); }),
            "checkpoint.other");
  EXPECT_EQ(code_of([&] { first.resume(file.path); }), "checkpoint.late");
  EXPECT_EQ(code_of([&] { Calibrator(network).resume("/no/such/file"); }), "file.missing");
  EXPECT_EQ(code_of([&] { Calibrator(network, {}, {.checkpoint = file.path}); }), "checkpoint.pushed");
}

TEST_F(Library, RunsFastAndUnderAutograd) {
  const Network network = transformed().model;
  const Executor reference(network), fast(network, Speed::FAST);
  EXPECT_LT(difference(fast.run(data_[0])[0], reference.run(data_[0])[0]), 1e-5);
  fast.run(data_[0])[0].sigmoid_();  // an ordinary tensor
  reference.run(inputs_)[0].sum().backward();
  EXPECT_TRUE(model_->conv->weight.grad().defined());
  EXPECT_EQ(code_of([&] { reference.run({inputs_[0]}); }), "nn.input");
  EXPECT_EQ(code_of([&] { reference(inputs_[0]); }), "nn.input");
}

TEST_F(Library, TrainsAndGoesOn) {
  const Network network = transformed().model;
  QatNetwork qat(calibrated(network));
  EXPECT_EQ(qat.parameters().size(), qat.model_parameters().size() + qat.scale_parameters().size());
  torch::optim::SGD optimizer(qat.model_parameters(), torch::optim::SGDOptions(0.05));
  const auto step = [&](QatNetwork& trained, torch::optim::SGD& by) {
    trained.train();
    by.zero_grad();
    const at::Tensor loss = trained.forward(data_[0])[0].square().mean();
    loss.backward();
    by.step();
    return loss.item<double>();
  };
  const double first = step(qat, optimizer);
  const TemporaryFile checkpoint("library_test.npz");
  qat.save(checkpoint.path, optimizer, 1);
  const double second = step(qat, optimizer);
  EXPECT_LT(second, first);
  QatNetwork other(calibrated(network));
  torch::optim::SGD other_optimizer(other.model_parameters(), torch::optim::SGDOptions(0.05));
  EXPECT_EQ(other.load(checkpoint.path, other_optimizer), 1);
  EXPECT_EQ(step(other, other_optimizer), second);
  qat.eval();
  const Network frozen = qat.freeze();
  EXPECT_LT(difference(frozen(inputs_)[0], qat.forward(inputs_)[0]), 1e-3);
  EXPECT_EQ(code_of([&] { qat.train("no.such.module"); }), "train.module");
}

TEST_F(Library, WritesTheSameBytesAgain) {
  const TemporaryFile one("library_one.onnx"), two("library_two.onnx");
  const QuantizationResult result = calibrated(transformed().model);
  export_onnx(result.model(), one.path);
  export_onnx(calibrated(transformed().model).model(), two.path);
  EXPECT_GT(bytes_of(one.path).size(), 1000U);
  EXPECT_EQ(bytes_of(one.path), bytes_of(two.path));
  EXPECT_NE(bytes_of(one.path).find("graftwork.samples"), std::string::npos);
  EXPECT_TRUE(export_onnx(result.model(), two.path).empty());
  EXPECT_EQ(export_onnx(result.model(), two.path, {.float_type = FloatType::FP32, .opset = 21}).size(), 1U);
  EXPECT_NE(bytes_of(one.path), bytes_of(two.path));
  EXPECT_EQ(code_of([&] { export_onnx(result.model(), "/no/such/folder/x.onnx"); }), "file.unwritable");
}

TEST_F(Library, RecipesThatNoFileMaySayAreRefused) {
  const Network network = transformed().model;
  const auto refused = [&](const auto& change) {
    QuantConfig config;
    change(config);
    return code_of([&] { Calibrator(network, config); });
  };
  EXPECT_EQ(refused([](QuantConfig& c) { c.weight.calibration_method = CalibrationMethod::ENTROPY; }), "config.value");
  EXPECT_EQ(refused([](QuantConfig& c) { c.weight.block_size = 64; }).substr(0, 7), "config.");
  EXPECT_EQ(refused([](QuantConfig& c) { c.activation.precision = static_cast<Precision>(77); }), "config.value");
  EXPECT_EQ(refused([](QuantConfig& c) { c.smooth_quant = SmoothQuantConfig{7.0}; }), "config.value");
  EXPECT_EQ(refused([](QuantConfig& c) {
              c.activation.calibration_method = CalibrationMethod::PERCENTILE;
              c.activation.percentile = 500;
            }),
            "config.value");
  EXPECT_EQ(refused([](QuantConfig&) {}), "none");
}

/// Gives one sample, whatever is asked for.
struct ShortSource final : SampleSource {
  int64_t size() const override { return 8; }
  std::vector<at::Tensor> samples(int64_t, int64_t end) const override {
    return end == 8 ? std::vector<at::Tensor>{at::Tensor(), at::Tensor()}
                    : std::vector<at::Tensor>{at::zeros({3, 3, 8, 8}), at::zeros({3, 8, 8, 8})};
  }
};

TEST_F(Library, WhatDoesNotFitIsRefusedAndDoesNoHarm) {
  const Network network = transformed().model;
  Calibrator calibrator(network);
  at::Tensor bad = data_[0][0].clone();
  bad[1][0][0][0] = std::numeric_limits<float>::quiet_NaN();
  for (size_t i = 0; i < 40; ++i) {  // past what is kept
    calibrator.observe(data_[i % data_.size()]);
    EXPECT_EQ(code_of([&] { calibrator.observe({bad, data_[0][1]}); }), "data.value");
    EXPECT_EQ(code_of([&] { calibrator.observe({at::zeros({1, 3, 8, 9}), data_[0][1]}); }), "nn.input");
    EXPECT_EQ(code_of([&] { calibrator.observe({at::Tensor(), data_[0][1]}); }), "nn.input");
    EXPECT_EQ(code_of([&] { calibrator.observe({data_[0][0]}); }), "nn.input");
  }
  EXPECT_EQ(calibrator.finish().samples(), 80);
  EXPECT_EQ(code_of([&] { calibrator.finish(); }), "quant.finished");
  EXPECT_EQ(code_of([&] { calibrator.observe(data_[0]); }), "quant.finished");
  EXPECT_EQ(code_of([&] { quantize(network, ShortSource()); }), "data.shape");
  EXPECT_EQ(code_of([&] { Executor(network).run({at::Tensor(), inputs_[1]}); }), "nn.input");
  std::shared_ptr<TwoImpl> none;
  EXPECT_EQ(code_of([&] { capture(none, inputs_); }), "capture.input");
  EXPECT_EQ(code_of([&] { capture(model_, inputs_, {.replay_inputs = {inputs_[0]}}); }), "capture.input");
  EXPECT_EQ(code_of([&] {
              capture([](const at::Tensor& x) { return x * 2; }, {inputs_[0]}, {.replay_inputs = {data_[0][0]}});
            }),
            "none");
  const std::vector<std::string> warnings = quantize(capture(model_, inputs_), all()).warnings();
  EXPECT_TRUE(std::ranges::any_of(warnings, [](const auto& line) { return line.starts_with("nothing is quantized"); }));
}

TEST_F(Library, ResultsHaveOneShapeHoweverManySamplesThereWere) {
  const auto forward = [&](const at::Tensor& x) {
    return std::vector<at::Tensor>{model_->conv(x).relu(), at::ones({5, 4}), at::ones({})};
  };
  const NamedTensors parameters{{"conv.weight", model_->conv->weight}};
  const Forward recorded = [&](const std::vector<at::Tensor>& inputs) { return forward(inputs[0]); };
  const Network network = transform(capture(recorded, {inputs_[0]}, parameters, {})).model;
  Calibrator calibrator(network);
  for (int i = 0; i < 40; ++i) {
    const std::vector<at::Tensor> results = calibrator(std::vector<at::Tensor>{data_[0][0]});
    EXPECT_EQ(results[0].size(0), 2);
    EXPECT_EQ(results[1].sizes(), (std::vector<int64_t>{5, 4}));
    EXPECT_EQ(results[2].dim(), 0);
  }
}

TEST_F(Library, ABatchNormInTrainingIsWarnedOf) {
  model_->train();
  const std::vector<std::string> warnings = capture(model_, inputs_).warnings();
  EXPECT_TRUE(std::ranges::any_of(
      warnings, [](const auto& line) { return line.find("computes as in training") != std::string::npos; }));
  model_->eval();
  EXPECT_TRUE(capture(model_, inputs_).warnings().empty());
}

TEST_F(Library, BackendsAreChosenByName) {
  EXPECT_EQ(discover_backends(), std::vector<std::string>{"tensorrt"});
  const Backend tensorrt = get_backend();
  EXPECT_EQ(tensorrt.fusions().names(), Patterns(TENSORRT_FUSIONS).names());
  EXPECT_FALSE(tensorrt.precisions().empty() || tensorrt.float_types().empty());
  EXPECT_EQ(tensorrt.quantizations(), Patterns(TENSORRT_QUANTIZATIONS).names());
  add_backend(Backend("mine", Patterns(TENSORRT_FUSIONS).only({"ConvBNPattern"}), tensorrt));
  EXPECT_EQ(code_of([] { get_backend(); }), "backend.choice");
  set_backend("mine");
  EXPECT_EQ(transform(capture(model_, inputs_)).report.counts.contains("ConvBNActPattern"), false);
  EXPECT_EQ(code_of([] { find_backend("other"); }), "backend.unknown");
  EXPECT_EQ(find_backend("tensorrt").name(), "tensorrt");
  reset_backends();
  EXPECT_EQ(get_backend().name(), "tensorrt");
}

TEST(LibraryFiles, RecordsTorchScriptWhereItMayRun) {
  torch::jit::Module module("Script");
  module.define("def forward(self, x):\n    return torch.relu(x) + 1\n");
  const TemporaryFile file("library_test.ts");
  module.save(file.path.string());
  const at::Tensor x = at::randn({2, 3});
  EXPECT_EQ(code_of([&] { load(file.path); }), "torchscript.code");
  EXPECT_EQ(code_of([&] { load(file.path, {.isolated = true}); }), "torchscript.isolated");
  EXPECT_EQ(code_of([&] { load(file.path, {.allow_code = true}); }), "torchscript.example");
  const Network network = load(file.path, {.allow_code = true, .example = {{"x", x}}});
  EXPECT_EQ(network.input_names(), std::vector<std::string>{"x"});
  EXPECT_LT(difference(network(-x), at::relu(-x) + 1), 1e-6);
}

TEST(LibraryFiles, AreMappedAsTheyWereWhenTheyAreWrittenOver) {
  const TemporaryFile file("library_test.pt2"), before("library_test_before.onnx"), after("library_test_after.onnx");
  std::filesystem::copy_file(std::filesystem::path(GRAFTWORK_TEST_DATA) / "pt2" / "torch_2.8.pt2", file.path,
                             std::filesystem::copy_options::overwrite_existing);
  const Network network = transform(load(file.path)).model;
  export_onnx(network, before.path);
  export_onnx(network, file.path);
  export_onnx(network, after.path);
  const std::string bytes = bytes_of(before.path);
  EXPECT_TRUE(bytes_of(file.path) == bytes);
  EXPECT_TRUE(bytes_of(after.path) == bytes);
}

TEST(LibraryFiles, SaysWhatIsWrongWithAFile) {
  EXPECT_EQ(code_of([] { load("/no/such/file.pt2"); }).substr(0, 5), "file.");
  EXPECT_EQ(code_of([] { Patterns::read("/no/such/file.gpat"); }).substr(0, 5), "file.");
  EXPECT_EQ(code_of([] { QuantConfig::read("/no/such/file.json"); }).substr(0, 5), "file.");
  EXPECT_EQ(version().substr(0, 2), "0.");
}

}  // namespace
}  // namespace graftwork::testing
