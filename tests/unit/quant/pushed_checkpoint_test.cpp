// A calibration of pushed data that is stopped and goes on is one that never stopped.
#include <gtest/gtest.h>

#include "graftwork/base/atomic_file.h"
#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/quant/content_hash.h"
#include "graftwork/quant/pushed/pushed_quantization.h"
#include "support/reader_testing.h"
#include "unit/quant/memory_samples.h"
#include "unit/quant/rescaled_network.h"

namespace graftwork::core::testing {
namespace {

Network with_outlying_channel() {
  Network network = transformed(
      "graph(%x: f32[1, 8, 32]) {\n  %n = nn.LayerNorm @norm(%x) {normalized_shape=[32]}\n"
      "  %a = nn.Linear @a(%n) {in_features=32, out_features=32}\n  %r = nn.ReLU @r(%a)\n"
      "  %b = nn.Linear @b(%r) {in_features=32, out_features=8}\n  return %b\n}\n");
  network.tensors.at("norm.weight").data()[7] *= 60;
  return network;
}

at::Tensor data(int64_t samples) { return random_tensor({DType::kF32, {Dim(samples), Dim(8), Dim(32)}}, 3); }

/// One that looks at its data before ranges are taken, in order, and after them.
QuantConfig recipe() {
  QuantConfig config;
  config.activation.calibration_method = CalibrationMethod::kMovingAverageMinMax;
  config.smooth_quant = SmoothQuantConfig{};
  config.weight.rounding = WeightRounding::kGptq;
  return config;
}

std::string numbers_of(const QuantizationResult& result) {
  return content_hash(result.network) + scale_table_text(result.scales);
}

std::string bytes_of(const std::filesystem::path& path) { return std::string(as_text(MappedFile(path).bytes())); }

class ResumedCalibration : public ::testing::Test {
 protected:
  ~ResumedCalibration() override { std::filesystem::remove(path_); }

  std::filesystem::path path_ = std::filesystem::path(::testing::TempDir()) / "pushed_checkpoint_test";
};

TEST_F(ResumedCalibration, GoesOnToTheBit) {
  const Network network = with_outlying_channel();
  // With another order of axes in memory, which decides which kernels run.
  const at::Tensor samples = data(200).transpose(1, 2).contiguous().transpose(1, 2);
  PushedQuantization whole(network, recipe(), {});
  for (int64_t i = 0; i < 200; i += 25) whole.observe({samples.slice(0, i, i + 25)});
  const std::string wanted = numbers_of(whole.finish());
  for (const int64_t stop : {0, 3, 64, 131}) {
    QuantizeOptions one_thread, many;
    one_thread.calibration.threads = 1;
    many.calibration.threads = 3;
    PushedQuantization first(network, recipe(), one_thread);
    for (int64_t i = 0; i < stop; ++i) first.observe({samples.slice(0, i, i + 1)});
    first.save(path_);
    const std::string bytes = bytes_of(path_);
    first.save(path_);
    EXPECT_EQ(bytes_of(path_), bytes);
    PushedQuantization second(network, recipe(), many);
    second.resume(path_);
    EXPECT_EQ(second.samples(), stop);
    second.save(path_);
    EXPECT_EQ(bytes_of(path_), bytes) << stop;
    if (stop < 200) second.observe({samples.slice(0, stop, 200)});
    EXPECT_EQ(numbers_of(second.finish()), wanted) << stop;
  }
}

TEST_F(ResumedCalibration, GoesOnInTheMiddleOfABatchThatTheGraphHoldsFast) {
  const Network network = with_fixed_batch();
  const at::Tensor samples = random_tensor({DType::kF32, {Dim(90), Dim(8)}}, 5);
  PushedQuantization first(network, QuantConfig(), {});
  first.observe({samples.slice(0, 0, 71)});
  first.save(path_);
  PushedQuantization second(network, QuantConfig(), {});
  second.resume(path_);
  second.observe({samples.slice(0, 71, 90)});
  EXPECT_EQ(numbers_of(second.finish()), numbers_of(quantize(network, MemorySamples(samples), QuantConfig(), {})));
}

TEST_F(ResumedCalibration, IsOfOneCalibrationOnly) {
  const Network network = with_outlying_channel();
  PushedQuantization first(network, recipe(), {});
  first.observe({data(70)});
  first.save(path_);
  const auto refused = [&](const Network& other, const QuantConfig& config, const QuantizeOptions& options) {
    PushedQuantization second(other, config, options);
    expect_error("checkpoint.other", path_.string(), [&] { second.resume(path_); });
    EXPECT_EQ(second.samples(), 0);
  };
  Network changed = network.clone();
  changed.tensors.set("a.weight", network.tensors.at("a.weight") * 2);
  refused(changed, recipe(), {});
  QuantConfig other = recipe();
  other.weight.bias_correction = false;
  refused(network, other, {});
  QuantizeOptions options;
  options.float_type = DType::kBF16;
  refused(network, recipe(), options);
}

TEST_F(ResumedCalibration, RefusesWhatItHasNotWritten) {
  const Network network = with_outlying_channel();
  const at::Tensor samples = data(70);
  PushedQuantization first(network, recipe(), {});
  first.observe({samples});
  first.save(path_);
  const std::string bytes = bytes_of(path_);
  PushedQuantization second(network, recipe(), {});
  const auto refused = [&](const std::string& code, const std::string& content) {
    write_file(path_, content);
    expect_error(code, path_.string(), [&] { second.resume(path_); });
    EXPECT_EQ(second.samples(), 0);
  };
  refused("file.empty", "");
  refused("checkpoint.damaged", "any other file\n");
  refused("checkpoint.damaged", bytes.substr(0, bytes.size() / 2));
  refused("checkpoint.damaged", bytes + "x");
  std::string flipped = bytes;
  flipped[flipped.size() / 3] ^= 1;
  refused("checkpoint.damaged", flipped);
  std::filesystem::remove(path_);
  expect_error("file.missing", path_.string(), [&] { second.resume(path_); });
  write_file(path_, bytes);
  second.resume(path_);
  expect_error("checkpoint.late", "observed already", [&] { second.resume(path_); });
  EXPECT_EQ(numbers_of(second.finish()), numbers_of(first.finish()));
  expect_error("quant.finished", "finished", [&] { first.save(path_); });
}

}  // namespace
}  // namespace graftwork::core::testing
