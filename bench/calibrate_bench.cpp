// Calibration of samples in memory: every float tensor is ranged, and those that get Q/DQ counted.
//     calibrate_bench MODEL.pt2 SAMPLES THREADS        answers "minmax", "quarter" (of the samples), "mse" and "all"
// "minmax" takes ranges alone, "mse" what the default method needs, "all" every statistic that any step asks for.
#include "graftwork/import/load.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/place/stub_plan.h"
#include "graftwork/quant/bias_correction.h"
#include "graftwork/quant/calibrator.h"
#include "graftwork/samples/open_samples.h"
#include "serve.h"

namespace {

using namespace graftwork::core;

/// The first samples of a source, read once.
class InMemory : public SampleSource {
 public:
  InMemory(const SampleSource& source, int64_t count) : inputs_(source.samples(0, count)), size_(count) {
    for (at::Tensor& input : inputs_) input = input.clone();
  }
  int64_t size() const override { return size_; }
  std::vector<at::Tensor> samples(int64_t begin, int64_t end) const override {
    std::vector<at::Tensor> slices;
    for (const at::Tensor& input : inputs_) slices.push_back(input.slice(0, begin, end));
    return slices;
  }

 private:
  std::vector<at::Tensor> inputs_;
  int64_t size_;
};

void run(const std::filesystem::path& model, const std::filesystem::path& data, int threads) {
  const LoadedNetwork loaded = load_network(model);
  const Network network{transform(loaded.network.module).model, loaded.network.tensors};
  const std::unique_ptr<SampleSource> source = open_samples(network.module, data);
  const InMemory all(*source, source->size());
  const InMemory quarter(*source, source->size() / 4);
  const StubPlan plan = plan_stubs(network.module, {});
  const BiasCorrection correction(network, plan);
  const HalfProbe probe(network);
  StatisticsRequest minmax;
  minmax.every_float = true;
  for (const PlannedStub& stub : plan.stubs) minmax.values[stub.tensor].quantized = true;
  StatisticsRequest mse = minmax;
  for (auto& [name, value] : mse.values) value.histogram = true;
  StatisticsRequest everything = mse;
  for (auto& [name, value] : everything.values) value.moving_average = true;
  for (const auto& [name, axis] : correction.channel_axes()) everything.values[name].mean_axis = axis;
  everything.half_probe = &probe;
  CalibrationOptions options;
  options.threads = threads;
  const auto measure = [&](const StatisticsRequest& request, const SampleSource& samples) {
    return bench::cost([&] { return calibrate(network, request, samples, options); });
  };
  bench::serve({{"minmax", [&] { return measure(minmax, all); }},
                {"quarter", [&] { return measure(minmax, quarter); }},
                {"mse", [&] { return measure(mse, all); }},
                {"all", [&] { return measure(everything, all); }}});
}

}  // namespace

int main(int argc, char** argv) {
  return bench::guarded([&] {
    if (argc != 4) throw std::invalid_argument("usage: calibrate_bench MODEL.pt2 SAMPLES THREADS");
    run(argv[1], argv[2], std::stoi(argv[3]));
  });
}
