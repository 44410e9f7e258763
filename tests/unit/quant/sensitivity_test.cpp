// Each layer alone, and all but it: the figures are those of networks that are built and run one by one.
#include "graftwork/quant/sensitivity/sensitivity.h"

#include <gtest/gtest.h>

#include "graftwork/base/error.h"
#include "graftwork/patterns/transform.h"
#include "unit/nn/random_tensors.h"
#include "unit/quant/memory_samples.h"
#include "unit/quant/naive_choice.h"

namespace graftwork::core::testing {
namespace {

const PlacementRules& rules() { return tensorrt_backend().placement; }

std::string conv(const std::string& name, const std::string& from, int in, int out) {
  const std::string channels = cat("{in_channels=", in, ", out_channels=", out);
  return cat("  %", name, "_c = nn.Conv2d @", name, "(%", from, ") ", channels,
             ", kernel_size=[3, 3], padding=[1, 1], bias=none}\n  %", name, " = nn.BatchNorm2d @", name, "_bn(%", name,
             "_c) {num_features=", out, "}\n");
}

std::string relu(const std::string& name, const std::string& from) {
  return cat("  %", name, " = nn.ReLU @act_", name, "(%", from, ")\n");
}

/// A chain of residual blocks.
std::string residual(int blocks) {
  std::string text = "graph(%x: f32[s0, 3, 9, 9]) {\n" + conv("stem", "x", 3, 8) + relu("r0", "stem");
  for (int i = 0; i < blocks; ++i) {
    const std::string a = cat("a", i), b = cat("b", i), sum = cat("s", i);
    text += conv(a, cat("r", i), 8, 8) + relu(a + "r", a) + conv(b, a + "r", 8, 8);
    text += cat("  %", sum, " = aten.add.Tensor(%", b, ", %r", i, ")\n") + relu(cat("r", i + 1), sum);
  }
  return text + cat("  %pool = nn.AdaptiveAvgPool2d @pool(%r", blocks, ") {output_size=[1, 1]}\n",
                    "  %flat = nn.Flatten @flat(%pool)\n"
                    "  %fc = nn.Linear @fc(%flat) {in_features=8, out_features=5}\n  return %fc\n}\n");
}

const char* const kBranches =  // two inputs, two outputs, a concatenation, a layer behind data movement, a pool
    "graph(%x: f32[s0, 3, 8, 8], %y: f32[s0, 6]) {\n"
    "  %a = nn.Conv2d @a(%x) {in_channels=3, out_channels=4, kernel_size=[3, 3], padding=[1, 1]}\n"
    "  %b = nn.Conv2d @b(%x) {in_channels=3, out_channels=4, kernel_size=[1, 1]}\n"
    "  %joined = aten.cat.default(%a, %b) {dim=1}\n"
    "  %c = nn.Conv2d @c(%joined) {in_channels=8, out_channels=2, kernel_size=[3, 3], padding=[1, 1]}\n"
    "  %p = nn.MaxPool2d @p(%c) {kernel_size=[2, 2], stride=[2, 2]}\n"
    "  %flat = nn.Flatten @flat(%p)\n"
    "  %d = nn.Linear @d(%flat) {in_features=32, out_features=6}\n"
    "  %e = nn.Linear @e(%y) {in_features=6, out_features=6}\n"
    "  %sum = aten.add.Tensor(%d, %e)\n"
    "  %f = nn.Linear @f(%sum) {in_features=6, out_features=3}\n  return %f, %c\n}\n";

const char* const kShared =  // one module called twice
    "graph(%x: f32[s0, 4, 6, 6]) {\n"
    "  %a = nn.Conv2d @twice(%x) {in_channels=4, out_channels=4, kernel_size=[3, 3], padding=[1, 1]}\n"
    "  %r = nn.ReLU @act(%a)\n"
    "  %b = nn.Conv2d @twice(%r)\n"
    "  %c = nn.Conv2d @c(%b) {in_channels=4, out_channels=2, kernel_size=[3, 3]}\n  return %c\n}\n";

class Samples final : public SampleSource {
 public:
  Samples(const GraphModule& module, int64_t count) {
    for (const Node* input : module.graph().inputs()) {
      TensorType type = *input->tensor();
      type.dims[0] = Dim(count);
      tensors_.push_back(random_tensor(type, hash_of(input->name().str())));
    }
  }
  int64_t size() const override { return tensors_.front().size(0); }
  std::vector<at::Tensor> samples(int64_t begin, int64_t end) const override {
    std::vector<at::Tensor> found;
    for (const at::Tensor& tensor : tensors_) found.push_back(tensor.slice(0, begin, end));
    return found;
  }

 private:
  std::vector<at::Tensor> tensors_;
};

struct Case {
  explicit Case(const std::string& text, int64_t count = 6)
      : network(network_of(text)), samples(network.module, count) {
    network.module = transform(network.module).model;
    QuantizeOptions options;
    options.float_type = DType::kF32;
    quantized.emplace(quantize(network, samples, {}, options));
    for (const QuantizedLayer& layer : quantized_layers(*quantized)) modules.push_back(layer.module);
  }

  SensitivityAnalysis analysis(SensitivityOptions options = {}) const {
    if (options.samples == 0) options.samples = 4;
    return {network, *quantized, rules(), samples, std::move(options)};
  }

  Network network;
  Samples samples;
  std::optional<QuantizationResult> quantized;
  std::vector<Symbol> modules;
};

LayerChoice only(size_t layer, size_t count, bool is_alone) {
  LayerChoice choice(count, !is_alone);
  choice[layer] = is_alone;
  return choice;
}

std::set<Symbol> chosen(const std::vector<Symbol>& modules, const LayerChoice& choice) {
  std::set<Symbol> found;
  for (size_t i = 0; i < modules.size(); ++i) {
    if (choice[i]) found.insert(modules[i]);
  }
  return found;
}

void expect_same(const std::vector<at::Tensor>& found, const std::vector<at::Tensor>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) EXPECT_TRUE(at::equal(found[i], expected[i]));
}

class PartialNetworks : public ::testing::TestWithParam<std::string> {};

TEST_P(PartialNetworks, ComputeWhatNetworksOfTheirOwnDo) {
  const at::NoGradGuard no_grad;
  const Case one(GetParam());
  const std::vector<at::Tensor> inputs = one.samples.samples(2, 3);
  const PartialNetwork partial(one.network, one.quantized->network, one.modules, rules());
  const size_t count = one.modules.size();
  ASSERT_GE(count, 2U);
  expect_same(partial.run(LayerChoice(count, false), inputs), InferenceRunner(one.network).run(inputs, {}, true));
  expect_same(partial.run(LayerChoice(count, true), inputs),
              InferenceRunner(one.quantized->network).run(inputs, {}, true));
  const NaiveChoice naive(one.network, one.quantized->network, rules());
  const std::set<Symbol> layers(one.modules.begin(), one.modules.end());
  for (const bool is_alone : {true, false}) {
    ChoiceVariants variants(partial, LayerChoice(count, !is_alone), inputs);
    for (const size_t layer : variants.order()) {
      const LayerChoice choice = only(layer, count, is_alone);
      const Network built = naive.build(layers, chosen(one.modules, choice));
      const std::vector<at::Tensor> expected = InferenceRunner(built).run(inputs, {}, true);
      SCOPED_TRACE(one.modules[layer].str());
      expect_same(variants.run(layer), expected);
      expect_same(partial.run(choice, inputs), expected);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Of, PartialNetworks, ::testing::Values(residual(3), kBranches, kShared));

TEST(ChoiceVariants, ComputeAboutAHalf) {
  const at::NoGradGuard no_grad;
  const Case one(residual(16), 2);
  const PartialNetwork partial(one.network, one.quantized->network, one.modules, rules());
  const std::vector<at::Tensor> inputs = one.samples.samples(0, 1);
  for (const bool base : {true, false}) {
    ChoiceVariants variants(partial, LayerChoice(one.modules.size(), base), inputs);
    for (const size_t layer : variants.order()) variants.run(layer);
    const auto whole = static_cast<double>(partial.nodes() * one.modules.size());
    EXPECT_LT(static_cast<double>(variants.computed()), 0.6 * whole);
  }
}

TEST(ChoiceVariants, MayLeaveLayersOut) {
  const at::NoGradGuard no_grad;
  const Case one(kBranches);
  const PartialNetwork partial(one.network, one.quantized->network, one.modules, rules());
  const std::vector<at::Tensor> inputs = one.samples.samples(0, 1);
  const size_t count = one.modules.size();
  ChoiceVariants variants(partial, LayerChoice(count, true), inputs);
  for (size_t i = 1; i < count; i += 2) {
    const size_t layer = variants.order()[i];
    expect_same(variants.run(layer), partial.run(only(layer, count, false), inputs));
  }
}

void expect_equal(const Sensitivity& found, const Sensitivity& expected) {
  ASSERT_EQ(found.layers.size(), expected.layers.size());
  EXPECT_EQ(found.quantized.sqnr_db(), expected.quantized.sqnr_db());
  for (size_t i = 0; i < found.layers.size(); ++i) {
    for (const auto direction : {&LayerSensitivity::alone, &LayerSensitivity::all_but}) {
      const Effect &one = found.layers[i].*direction, &other = expected.layers[i].*direction;
      EXPECT_EQ(one.sqnr_db(), other.sqnr_db());
      EXPECT_EQ(one.cosine(), other.cosine());
      EXPECT_EQ(one.correct, other.correct);
    }
  }
}

TEST(Sensitivity, SumsOverSamplesWhateverTheThreads) {
  const Case one(residual(2), 9);
  const SensitivityAnalysis analysis = one.analysis({.samples = 4, .threads = 1});
  const Sensitivity found = analysis.run(analysis.empty_record());
  EXPECT_EQ(found.samples, 4);
  SensitivityOptions options{.samples = 4, .threads = 3};
  const SensitivityAnalysis threaded = one.analysis(options);
  expect_equal(threaded.run(threaded.empty_record()), found);

  Effect expected;
  const InferenceRunner in_float(one.network);
  const LayerChoice choice = only(1, one.modules.size(), true);
  const std::set<Symbol> layers(one.modules.begin(), one.modules.end());
  const Network built =
      NaiveChoice(one.network, one.quantized->network, rules()).build(layers, chosen(one.modules, choice));
  const at::NoGradGuard no_grad;
  for (const int64_t sample : {0, 2, 4, 6}) {
    const std::vector<at::Tensor> inputs = one.samples.samples(sample, sample + 1);
    expected.add(in_float.run(inputs, {}, true), InferenceRunner(built).run(inputs, {}, true), nullptr, sample, 1);
  }
  EXPECT_EQ(found.layers[1].alone.sqnr_db(), expected.sqnr_db());
  EXPECT_EQ(analysis.measure(choice).sqnr_db(), expected.sqnr_db());
}

TEST(Sensitivity, GoesOnWhereItStopped) {
  const Case one(residual(1), 5);
  const SensitivityAnalysis whole = one.analysis();
  const Sensitivity expected = whole.run(whole.empty_record());
  SensitivityRecord kept = whole.empty_record();
  int64_t asked = 0;
  const SensitivityAnalysis stopped = one.analysis({.samples = 4,
                                                    .threads = 1,
                                                    .interrupted = [&] { return ++asked > 17; },
                                                    .keep = [&](const SensitivityRecord& record) { kept = record; }});
  EXPECT_THROW(stopped.run(stopped.empty_record()), Error);
  const auto done = std::count(kept.done.begin(), kept.done.end(), 1);
  EXPECT_GT(done, 10);
  EXPECT_LT(done, std::ssize(kept.done));
  int64_t first = -1;
  const SensitivityAnalysis resumed = one.analysis({.samples = 4, .progress = [&](int64_t now, int64_t) {
                                                      if (first < 0) first = now;
                                                    }});
  expect_equal(resumed.run(kept), expected);
  EXPECT_EQ(first, done);
}

TEST(Sensitivity, CountsWhatIsRight) {
  const Case one(residual(1), 5);
  const at::NoGradGuard no_grad;
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < 5; ++i) {
    const std::vector<at::Tensor> inputs = one.samples.samples(i, i + 1);
    labels.push_back(InferenceRunner(one.network).run(inputs, {}, true)[0].argmax(1).item<int64_t>());
  }
  labels[3] = (labels[3] + 1) % 5;
  SensitivityOptions options;
  options.labels = labels;
  const SensitivityAnalysis analysis(one.network, *one.quantized, rules(), one.samples, options);
  const Sensitivity found = analysis.run(analysis.empty_record());
  EXPECT_EQ(found.samples, 5) << "with labels all are measured";
  EXPECT_EQ(found.classes, 5);
  EXPECT_EQ(found.correct_in_float, 4);
  options.labels[0] = 5;
  EXPECT_THROW(SensitivityAnalysis(one.network, *one.quantized, rules(), one.samples, options), Error);
  options.labels.pop_back();
  EXPECT_THROW(SensitivityAnalysis(one.network, *one.quantized, rules(), one.samples, options), Error);
}

TEST(Labels, AreOfTheOutputWithMostClasses) {
  const std::vector<at::Tensor> results{at::zeros({2, 3}), at::zeros({2, 7}), at::zeros({2, 9, 4}), at::zeros({2, 7})};
  const Labels labels = labels_for(results, {0, 6});
  EXPECT_EQ(labels.output, 1U);
  EXPECT_EQ(labels.classes, 7);
  EXPECT_THROW(labels_for(results, {7}), Error);
  EXPECT_THROW(labels_for(std::span(results).subspan(2, 1), {0}), Error);
}

}  // namespace
}  // namespace graftwork::core::testing
