// Statistics in parts and as bytes: those of the whole, to the bit.
#include "graftwork/quant/checkpoint.h"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/quant/calibrator.h"
#include "support/networks.h"
#include "unit/nn/random_tensors.h"
#include "unit/quant/memory_samples.h"

namespace graftwork::core::testing {
namespace {

Network linear_network() {
  return network_of(
      "graph(%x: f32[s0, 6]) {\n  %a = nn.Linear @a(%x) {in_features=6, out_features=4}\n  %r = aten.sqrt.default(%a)\n"
      "  return %a, %r\n}\n");
}

StatisticsRequest everything() {
  StatisticsRequest request;
  request.every_float = true;
  request.values[Symbol("x")] = {
      .quantized = true, .histogram = true, .moving_average = true, .mean_axis = -1, .amax_axis = -1};
  request.values[Symbol("a")] = {.quantized = true, .histogram = true, .moving_average = true};
  return request;
}

at::Tensor samples() { return random_tensor({DType::kF32, {Dim(20), Dim(6)}}, 3) * at::arange(1, 21).view({20, 1}); }

/// One of several processes, whose gather() gives what all of them gave before.
class Recorded final : public Exchange {
 public:
  Recorded(int64_t rank, int64_t size) : rank_(rank), size_(size) {}
  int64_t rank() const override { return rank_; }
  int64_t size() const override { return size_; }
  std::vector<std::string> gather(std::string bytes) override {
    given.push_back(bytes);
    if (others.empty()) return {std::move(bytes)};
    std::vector<std::string> all;
    for (const std::vector<std::string>& other : others) all.push_back(other.at(given.size() - 1));
    return all;
  }

  std::vector<std::string> given;
  std::vector<std::vector<std::string>> others;

 private:
  int64_t rank_;
  int64_t size_;
};

TEST(Statistics, OfPartsAreThoseOfTheWhole) {
  const Network network = linear_network();
  const MemorySamples source(samples());
  const std::string whole = to_bytes(calibrate(network, everything(), source, {.threads = 1}));
  for (const int64_t size : {2, 3, 7, 30}) {
    std::vector<std::vector<std::string>> given;
    for (int64_t rank = 0; rank < size; ++rank) {
      Recorded process(rank, size);
      calibrate(network, everything(), source, {.exchange = &process});
      given.push_back(process.given);
    }
    Recorded last(size - 1, size);
    last.others = given;
    EXPECT_EQ(to_bytes(calibrate(network, everything(), source, {.exchange = &last})), whole) << size << " processes";
  }
}

TEST(Statistics, AreTheSameReadFromTheirBytes) {
  const Statistics seen = calibrate(linear_network(), everything(), MemorySamples(samples()), {});
  EXPECT_FALSE(seen.ranges.at("x").histogram.counts().empty());
  EXPECT_FALSE(seen.ranges.at("x").mean.empty());
  EXPECT_FALSE(seen.ranges.at("x").channel_amax.empty());
  EXPECT_FALSE(seen.moving.averages().empty());
  EXPECT_FALSE(seen.ranges.at("r").finite) << "roots of negative numbers";
  const std::string bytes = to_bytes(seen);
  EXPECT_EQ(to_bytes(statistics_of(bytes)), bytes);
  for (size_t size = 0; size < bytes.size(); size += 1 + size / 16)
    EXPECT_THROW(statistics_of(std::string_view(bytes).substr(0, size)), Error) << size;
}

TEST(Statistics, OfDamagedBytesAreRefusedOrReadWithoutHarm) {
  const std::string bytes = to_bytes(calibrate(linear_network(), everything(), MemorySamples(samples()), {}));
  for (size_t place = 0; place < bytes.size(); place += 1 + place / 64) {
    std::string other = bytes;
    other[place] = static_cast<char>(~other[place]);
    try {
      statistics_of(other);
    } catch (const Error&) {
    }
  }
}

TEST(Calibration, IsToldFromOthers) {
  const Network network = linear_network();
  const std::string identity = calibration_identity(network, everything(), MemorySamples(samples()));
  EXPECT_EQ(calibration_identity(linear_network(), everything(), MemorySamples(samples().clone())), identity);
  EXPECT_NE(calibration_identity(network, {}, MemorySamples(samples())), identity);
  EXPECT_NE(calibration_identity(network, everything(), MemorySamples(samples().slice(0, 1))), identity);
  Network other = linear_network();
  other.tensors.set(Symbol("a.weight"), other.tensors.at(Symbol("a.weight")) + 1);
  EXPECT_NE(calibration_identity(other, everything(), MemorySamples(samples())), identity);
}

TEST(Calibration, GoesOnFromItsCheckpoint) {
  const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) / "calibration.ckpt";
  std::filesystem::remove(path);
  const Network network = linear_network();
  const MemorySamples source(samples());
  const std::string whole = to_bytes(calibrate(network, everything(), source, {}));
  CalibrationOptions options{.threads = 1, .checkpoint = path};
  int64_t done = 0;
  options.progress = [&](int64_t finished, int64_t) { done = finished; };
  options.interrupted = [&] { return std::filesystem::exists(path); };
  EXPECT_THROW(calibrate(network, everything(), source, options), Error);
  EXPECT_EQ(done, 1) << "the first micro-batch, which was kept";
  options.interrupted = {};
  int64_t first = 0;
  options.progress = [&](int64_t finished, int64_t total) {
    if (first == 0) first = finished;
    EXPECT_EQ(total, 20);
  };
  EXPECT_EQ(to_bytes(calibrate(network, everything(), source, options)), whole);
  EXPECT_EQ(first, 2) << "it begins behind what was kept";
  options.progress = [](int64_t, int64_t) { FAIL() << "nothing was left to do"; };
  EXPECT_EQ(to_bytes(calibrate(network, everything(), source, options)), whole);
}

}  // namespace
}  // namespace graftwork::core::testing
