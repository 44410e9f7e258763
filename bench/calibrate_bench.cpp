// MINMAX calibration of samples in memory, as the command does it by default: every float tensor is ranged.
//     calibrate_bench MODEL.pt2 SAMPLES.npy THREADS        answers "calibrate" and "quarter" (of the samples)
#include "graftwork/import/load.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/place/stub_plan.h"
#include "graftwork/quant/calibrator.h"
#include "graftwork/samples/open_samples.h"
#include "serve.h"

namespace {

using namespace graftwork;

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
  StatisticsRequest request;
  request.every_float = true;
  for (const PlannedStub& stub : plan_stubs(network.module, {}).stubs) request.values[stub.tensor].quantized = true;
  CalibrationOptions options;
  options.threads = threads;
  const auto measure = [&](const SampleSource& samples) {
    return bench::cost([&] { return calibrate(network, request, samples, options); });
  };
  bench::serve({{"calibrate", [&] { return measure(all); }}, {"quarter", [&] { return measure(quarter); }}});
}

}  // namespace

int main(int argc, char** argv) {
  return bench::guarded([&] {
    if (argc != 4) throw std::invalid_argument("usage: calibrate_bench MODEL.pt2 SAMPLES.npy THREADS");
    run(argv[1], argv[2], std::stoi(argv[3]));
  });
}
