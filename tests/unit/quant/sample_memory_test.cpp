// Passes over all samples hold one micro-batch at a time, and say what they would say of all at once.
#include <gtest/gtest.h>

#include "graftwork/quant/content_hash.h"
#include "graftwork/quant/sample_choice.h"
#include "graftwork/quant/sensitivity/sensitivity.h"
#include "unit/nn/random_tensors.h"
#include "unit/quant/memory_samples.h"
#include "unit/quant/rescaled_network.h"

namespace graftwork::core::testing {
namespace {

/// Knows how many of the micro-batches that it gave are held at most.
class CountedSamples final : public SampleSource {
 public:
  explicit CountedSamples(at::Tensor samples) : samples_(std::move(samples)) {}
  int64_t size() const override { return samples_.size(0); }
  std::vector<at::Tensor> samples(int64_t begin, int64_t end) const override {
    const at::Tensor own = samples_.slice(0, begin, end).contiguous();
    most_ = std::max(most_, ++held_);
    return {at::from_blob(own.data_ptr(), own.sizes(), [this, own](void*) { --held_; }, own.options())};
  }
  int64_t most_held() const { return most_; }

 private:
  at::Tensor samples_;
  mutable int64_t held_ = 0, most_ = 0;
};

at::Tensor numbers(int64_t count) { return random_tensor({DType::kF32, {Dim(count), Dim(8)}}, 3); }

TEST(SampleMemory, ChoosesWithOneMicroBatchInMemory) {
  const CountedSamples samples(numbers(40));
  CalibrationOptions options;
  options.threads = 1;
  EXPECT_EQ(chosen_micro_batches(samples, {1, {true}}, 7, options).size(), 7U);
  EXPECT_EQ(samples.most_held(), 1);
}

TEST(SampleMemory, ChoosesTheSameSamplesInAnyOrder) {
  const at::Tensor all = numbers(40);
  const auto chosen = [](const at::Tensor& samples) {
    std::vector<at::Tensor> rows;
    for (const int64_t number : chosen_micro_batches(MemorySamples(samples), {1, {true}}, 7, {}))
      rows.push_back(samples[number]);
    return at::stack(rows);
  };
  EXPECT_TRUE(at::equal(chosen(all), chosen(all.flip(0))));
}

TEST(SampleMemory, HashesWithOneMicroBatchInMemory) {
  const Network network =
      transformed("graph(%x: f32[s0, 8]) {\n  %a = nn.Linear @a(%x) {in_features=8, out_features=8}\n  return %a\n}\n");
  const CountedSamples samples(numbers(12));
  const QuantizationResult quantized = quantize(network, MemorySamples(numbers(12)), {}, {});
  const SensitivityAnalysis analysis(network, quantized, tensorrt_backend().placement, samples, {.samples = 4});
  const std::string hash = analysis.samples_hash();
  EXPECT_EQ(samples.most_held(), 1);
  std::vector<at::Tensor> all{at::tensor(std::vector<int64_t>{0, 3, 6, 9}), at::empty({0}, at::kLong)};
  for (const int64_t sample : {0, 3, 6, 9}) all.push_back(numbers(12).slice(0, sample, sample + 1));
  EXPECT_EQ(hash, content_hash(all));
}

}  // namespace
}  // namespace graftwork::core::testing
