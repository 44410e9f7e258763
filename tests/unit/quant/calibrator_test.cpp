// Calibration: the same ranges however the work is cut, and errors that name the sample.
#include "graftwork/quant/calibrator.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/quant/micro_batch.h"
#include "support/networks.h"
#include "unit/nn/random_tensors.h"
#include "unit/quant/memory_samples.h"

namespace graftwork::core::testing {
namespace {

/// A residual network that holds for any batch; `batch` is the one it declares.
Network residual_network(const std::string& batch) {
  Network network = network_of(
      cat("graph(%x: f32[", batch,
          ", 3, 9, 9]) {\n"
          "  %s = nn.Conv2d @stem(%x) {in_channels=3, out_channels=8, kernel_size=[3, 3], stride=[2, 2]}\n"
          "  %sb = nn.BatchNorm2d @stem.bn(%s) {num_features=8}\n  %sr = nn.ReLU @stem.act(%sb)\n"
          "  %c = nn.Conv2d @conv(%sr) {in_channels=8, out_channels=8, kernel_size=[3, 3], padding=[1, 1], bias=none}\n"
          "  %cb = nn.BatchNorm2d @bn(%c) {num_features=8}\n  %d = aten.add.Tensor(%cb, %sr)\n  %r = nn.SiLU @act(%d)\n"
          "  %p = nn.AdaptiveAvgPool2d @pool(%r) {output_size=[1, 1]}\n  %f = nn.Flatten @flat(%p)\n"
          "  %y = nn.Linear @fc(%f) {in_features=8, out_features=5}\n  return %y\n}\n"));
  network.module = transform(network.module).model;
  return network;
}

/// One whose graph names its batch of four.
Network fixed_batch_network() {
  return network_of(
      "graph(%x: f32[4, 6]) {\n  %a = nn.Linear @a(%x) {in_features=6, out_features=6}\n  %v = aten.view.default(%a) "
      "{size=[4, 2, 3]}\n"
      "  %b = nn.Linear @b(%v) {in_features=3, out_features=2}\n  return %b\n}\n");
}

std::vector<Symbol> tensors_of(const Network& network) {
  std::vector<Symbol> names;
  for (const Node& node : network.module.graph().nodes()) {
    if (node.kind() != NodeKind::kOutput) names.push_back(node.name());
  }
  return names;
}

StatisticsRequest request_for(const std::vector<Symbol>& tensors) {
  StatisticsRequest request;
  for (const Symbol tensor : tensors) request.values[tensor].quantized = true;
  return request;
}

StatisticsRequest every_float(StatisticsRequest request = {}) {
  request.every_float = true;
  return request;
}

std::string ranges(const Network& network, const at::Tensor& samples, int threads) {
  CalibrationOptions options;
  options.threads = threads;
  std::string text;
  for (const auto& [name, range] :
       calibrate(network, request_for(tensors_of(network)), MemorySamples(samples), options).ranges) {
    text += cat(name, " ", range.seen ? "" : "not ", "seen ", shortest(range.min), " ", shortest(range.max), "\n");
  }
  return text;
}

Error failure(const Network& network, const at::Tensor& samples, int threads = 1) {
  try {
    ranges(network, samples, threads);
  } catch (const Error& error) {
    return error;
  }
  return {"none", "nothing was thrown"};
}

at::Tensor images(int64_t count) { return random_tensor({DType::kF32, {Dim(count), Dim(3), Dim(9), Dim(9)}}, 5); }

TEST(Calibrate, GivesTheSameRangesHoweverTheWorkIsCut) {
  const at::Tensor samples = images(37);
  const std::string expected = ranges(residual_network("s0"), samples, 1);
  EXPECT_NE(expected.find("fused_conv_bn_act_0 seen 0.0 "), std::string::npos) << expected;
  EXPECT_NE(ranges(residual_network("s0"), samples.slice(0, 0, 1), 1), expected) << "the samples do not matter at all";
  for (const int threads : {2, 3, 50}) EXPECT_EQ(ranges(residual_network("s0"), samples, threads), expected) << threads;
  EXPECT_EQ(ranges(residual_network("s0"), samples.flip(0), 2), expected) << "another order";
  EXPECT_EQ(ranges(residual_network("s0"), at::cat({samples.slice(0, 20), samples.slice(0, 0, 20), samples}), 2),
            expected)
      << "samples twice";
  for (const char* batch : {"1", "8", "37", "100"})
    EXPECT_EQ(ranges(residual_network(batch), samples, 3), expected) << "declares " << batch;
}

TEST(Calibrate, RunsAFixedBatchInMicroBatchesOfThatSize) {
  const Network network = fixed_batch_network();
  const at::Tensor samples = random_tensor({DType::kF32, {Dim(10), Dim(6)}}, 3);
  const std::string expected = ranges(network, samples, 1);
  for (const int threads : {2, 3}) EXPECT_EQ(ranges(network, samples, threads), expected);
  float high = 0;
  for (const int64_t begin : {0, 4, 6}) {  // the last one is filled up with its last sample: no new value
    const at::Tensor batch = samples.slice(0, begin, begin + 4);
    high = std::max(high, Executor(network.module).run(network.tensors, std::vector{batch})[0].max().item<float>());
  }
  const std::string last = expected.substr(expected.find("b seen"));
  EXPECT_NEAR(std::stof(last.substr(last.find(' ', 7))), high, 1e-5) << expected;
}

TEST(Calibrate, SeesEveryFloatTensorOnRequest) {
  const Network network = network_of(
      "graph(%x: f32[s0, 2], %i: i64[s0, 2]) {\n  %a = aten.relu.default(%x)\n  %b = aten.neg.default(%i)\n  return "
      "%a, %b\n}\n");
  class Two final : public SampleSource {
    int64_t size() const override { return 3; }
    std::vector<at::Tensor> samples(int64_t begin, int64_t end) const override {
      return {at::arange(begin, end, at::kFloat).view({-1, 1}).expand({-1, 2}), at::ones({end - begin, 2}, at::kLong)};
    }
  };
  const auto seen = calibrate(network, every_float(), Two(), {}).ranges;
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen.at("x").max, 2);
  EXPECT_EQ(seen.at("a").max, 2);
}

TEST(Calibrate, NamesTheFirstBadSampleWhateverTheThreads) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    at::Tensor samples = images(64);
    for (const int64_t sample : {40, 17, 63}) samples[sample][2][8][8] = bad;
    for (int round = 0; round < 10; ++round) {
      const Error error = failure(residual_network("s0"), samples, 3);
      EXPECT_EQ(error.code(), "data.value");
      EXPECT_EQ(error.message(), "sample 17 of input x holds NaN or infinity");
    }
  }
  at::Tensor rows = at::ones({11, 6});
  rows[9][1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(failure(fixed_batch_network(), rows, 2).message(), "sample 9 of input x holds NaN or infinity");
}

TEST(Calibrate, NamesTheTensorThatBecomesInfinite) {
  const Network network =
      network_of("graph(%x: f32[s0, 2]) {\n  %a = aten.exp.default(%x)\n  %b = aten.neg.default(%a)\n  return %b\n}\n");
  at::Tensor samples = at::zeros({6, 2});
  samples[4][0] = 100;
  const Error error = failure(network, samples, 2);
  EXPECT_EQ(error.code(), "data.value");
  EXPECT_TRUE(error.message().starts_with("%a becomes NaN or infinite on sample")) << error.message();
  EXPECT_NE(error.message().find('4'), std::string::npos) << error.message();
}

TEST(Calibrate, PassesOverWhatIsNotFiniteWhereNothingIsMadeOfIt) {
  const Network network = network_of(
      "graph(%x: f32[s0, 2]) {\n  %a = aten.exp.default(%x)\n  %b = aten.neg.default(%x)\n  return %a, %b\n}\n");
  at::Tensor samples = at::zeros({6, 2});
  samples[4][0] = 100;
  for (const int threads : {1, 2}) {
    CalibrationOptions options;
    options.threads = threads;
    const MemorySamples source(samples);
    const auto seen = calibrate(network, every_float(request_for({"b"})), source, options).ranges;
    EXPECT_FALSE(seen.at("a").finite);
    EXPECT_EQ(seen.at("a").max, 1);
    EXPECT_TRUE(seen.at("b").finite);
    EXPECT_EQ(seen.at("b").min, -100);
    EXPECT_THROW(calibrate(network, request_for({"a"}), source, options), Error);
    StatisticsRequest ends_alone;
    ends_alone.values[Symbol("a")];
    EXPECT_THROW(calibrate(network, ends_alone, source, options), Error);
  }
}

TEST(Calibrate, RefusesWhatItCannotUse) {
  EXPECT_EQ(failure(residual_network("s0"), at::ones({0, 3, 9, 9})).code(), "data.empty");
  EXPECT_EQ(failure(residual_network("s0"), at::ones({2, 3, 8, 9})).code(), "nn.input");
  EXPECT_EQ(failure(residual_network("s0"), at::ones({2, 3, 9, 9}, at::kDouble)).code(), "nn.input");
}

TEST(Calibrate, ReportsProgressAndStopsWhenAsked) {
  const Network network = residual_network("s0");
  CalibrationOptions options;
  options.threads = 2;
  std::vector<int64_t> seen;
  options.progress = [&](int64_t done, int64_t total) {
    EXPECT_EQ(total, 20);
    seen.push_back(done);
  };
  calibrate(network, {}, MemorySamples(images(20)), options);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  ASSERT_EQ(seen.size(), 20U);
  EXPECT_EQ(seen.back(), 20);
  seen.clear();
  options.interrupted = [&] { return seen.size() >= 5; };
  try {
    calibrate(network, {}, MemorySamples(images(20)), options);
    FAIL() << "it went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "interrupted");
  }
  EXPECT_LE(seen.size(), 7U);
}

TEST(Calibrate, LeavesTorchsThreadsAsTheyWere) {
  at::set_num_threads(2);
  ranges(residual_network("s0"), images(3), 3);
  EXPECT_EQ(at::get_num_threads(), 2);
}

TEST(MicroBatch, IsOneWhereTheGraphHoldsForAnyBatch) {
  const auto size = [](const std::string& text) { return batching_of(parse_network(text)).size; };
  EXPECT_EQ(batching_of(residual_network("s0").module).size, 1);
  EXPECT_EQ(batching_of(residual_network("8").module).size, 1);
  EXPECT_EQ(batching_of(fixed_batch_network().module).size, 4);
  EXPECT_EQ(size("graph(%x: f32[8, 2, 3]) {\n  %y = aten.view.default(%x) {size=[-1, 6]}\n  return %y\n}\n"), 1);
  EXPECT_EQ(size("graph(%x: f32[8, 2, 3]) {\n  %y = aten.view.default(%x) {size=[8, 6]}\n  return %y\n}\n"), 8);
  EXPECT_EQ(size("graph(%x: f32[8, 2, 3]) {\n  %y = nn.Flatten @f(%x) {start_dim=0, end_dim=1}\n  return %y\n}\n"), 8);
  EXPECT_EQ(size("graph(%x: f32[8, 2]) {\n  %y = aten.transpose.int(%x) {dim0=0, dim1=1}\n  return %y\n}\n"), 8);
  EXPECT_EQ(size("graph(%x: f32[8, 2]) {\n  %y = aten.mean.dim(%x) {dim=[0], keepdim=true}\n  return %y\n}\n"), 8);
  EXPECT_EQ(size("graph(%x: f32[8, 2]) {\n  %y = aten.cat.default(%x, %x)\n  return %y\n}\n"), 8);
  EXPECT_EQ(size("graph(%x: f32[8, 2]) {\n  %y = aten.softmax.int(%x) {dim=1}\n  return %y\n}\n"), 1);
  EXPECT_EQ(size("graph(%x: f32[8, 2]) {\n  %y = aten.softmax.int(%x) {dim=0}\n  return %y\n}\n"), 8);
  EXPECT_EQ(
      size("graph(%x: f32[8, 2]) {\n  %k = constant @k: f32[2]\n  %y = aten.add.Tensor(%x, %k)\n  return %y\n}\n"), 1);
  EXPECT_EQ(
      size("graph(%x: f32[8, 2]) {\n  %k = constant @k: f32[8, 2]\n  %y = aten.add.Tensor(%x, %k)\n  return %y\n}\n"),
      8);
  EXPECT_EQ(size("graph(%x: f32[8, 2]) {\n  %y: f32[8, 2] = mine.unknown.default(%x)\n  return %y\n}\n"), 8);
  EXPECT_EQ(size("graph(%x: f32[s0, 2]) {\n  %y: f32[s0, 2] = mine.unknown.default(%x)\n  return %y\n}\n"), 1);
  EXPECT_EQ(size("graph(%x: f32[], %z: f32[6, 2]) {\n  %y = aten.mul.Tensor(%z, %x)\n  return %y\n}\n"), 1);
}

TEST(MicroBatch, KnowsTheInputsThatHoldSamples) {
  const auto batched = [](const std::string& inputs, const std::string& sum) {
    const Batching batching = batching_of(parse_network("graph(" + inputs + ") {\n" + sum + "  return %y\n}\n"));
    std::string text = std::to_string(batching.size) + ":";
    for (const bool holds : batching.batched) text += holds ? " samples" : " one";
    return text;
  };
  const std::string two = "  %y = aten.mul.Tensor(%x, %w)\n";
  const std::string three = "  %v = aten.mul.Tensor(%x, %w)\n  %y = aten.mul.Tensor(%v, %z)\n";
  EXPECT_EQ(batched("%w: f32[], %x: f32[8, 2]", two), "1: one samples");
  EXPECT_EQ(batched("%x: f32[8, 2], %w: f32[8, 1]", two), "1: samples samples");
  EXPECT_EQ(batched("%x: f32[8, 2], %w: f32[2]", two), "8: samples one");
  EXPECT_EQ(batched("%w: f32[2], %x: f32[8, 2], %z: f32[8, 2]", three), "8: one samples samples");
  EXPECT_EQ(batched("%w: f32[2], %x: f32[s0, 2], %z: f32[s0, 2]", three), "1: one samples samples");
  EXPECT_EQ(batched("%x: f32[], %w: f32[]", two), "1: one one");
}

}  // namespace
}  // namespace graftwork::core::testing
