// What it costs to run a network with each layer alone quantized, and with all but it, on one sample.
//     sensitivity_bench MODEL.pt2 SAMPLES.npy THREADS     answers "layers" (all of them, both ways) and "whole" (a
//     whole
//                                                         run for each), both per layer and way
#include <ATen/Parallel.h>

#include "graftwork/import/load.h"
#include "graftwork/patterns/tensorrt/tensorrt.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/quant/sensitivity/sensitivity.h"
#include "graftwork/samples/open_samples.h"
#include "serve.h"

namespace {

using namespace graftwork::core;

bench::Cost part(bench::Cost cost, size_t parts) {
  return {cost.wall / static_cast<double>(parts), cost.cpu / static_cast<double>(parts)};
}

void run(const std::filesystem::path& model, const std::filesystem::path& data, int threads) {
  at::set_num_threads(threads);
  const at::NoGradGuard no_grad;
  const LoadedNetwork loaded = load_network(model);
  const Network network{transform(loaded.network.module).model, loaded.network.tensors};
  const std::unique_ptr<SampleSource> source = open_samples(network.module, data, {2, {}});
  const QuantizationResult quantized = quantize(network, *source, {}, {});
  std::vector<Symbol> layers;
  for (const QuantizedLayer& layer : quantized_layers(quantized)) layers.push_back(layer.module);
  const PartialNetwork partial(network, quantized.network, layers, tensorrt_backend().placement);
  const InferenceRunner in_float(network), in_int8(quantized.network);
  const std::vector<at::Tensor> inputs = source->samples(0, 1);

  const auto both_ways = [&] {
    for (const bool base : {false, true}) {
      ChoiceVariants variants(partial, LayerChoice(layers.size(), base), inputs);
      for (const size_t layer : variants.order()) variants.run(layer);
    }
    return 0;
  };
  constexpr size_t kRuns = 10;
  const auto whole = [&] {
    for (size_t i = 0; i < kRuns; ++i) {
      in_float.run(inputs, {}, true);
      in_int8.run(inputs, {}, true);
    }
    return 0;
  };
  bench::serve({{"layers", [&] { return part(bench::cost(both_ways), 2 * layers.size()); }},
                {"whole", [&] { return part(bench::cost(whole), 2 * kRuns); }}});
}

}  // namespace

int main(int argc, char** argv) {
  return bench::guarded([&] {
    if (argc != 4) throw std::invalid_argument("usage: sensitivity_bench MODEL.pt2 SAMPLES.npy THREADS");
    run(argv[1], argv[2], std::stoi(argv[3]));
  });
}
