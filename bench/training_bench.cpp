// A fake-quantized network that is run, and one that is trained.
//     training_bench MODEL.pt2 DATA        DATA: one batch of samples, .npy or .npz
// Answers "frozen" (its forward, prepared for inference), "qat_step" and "float_step": forward, backward and a step of
// SGD with momentum, batch norm live; the latter of the float network.
#include <torch/optim/sgd.h>

#include "graftwork/import/load.h"
#include "graftwork/nn/inference_runner.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/samples/open_samples.h"
#include "graftwork/train/qat_network.h"
#include "serve.h"

namespace {

using namespace graftwork::core;

/// Steps on one batch, on the sum of the squares of the first result.
class Steps {
 public:
  Steps(std::vector<at::Tensor> parameters, std::function<at::Tensor()> forward)
      : optimizer_(std::move(parameters), torch::optim::SGDOptions(1e-6).momentum(0.9)), forward_(std::move(forward)) {}

  bench::Cost measure() {
    return bench::cost([&] {
      optimizer_.zero_grad();
      forward_().square().mean().backward();
      optimizer_.step();
      return 0;
    });
  }

 private:
  torch::optim::SGD optimizer_;
  std::function<at::Tensor()> forward_;
};

void run(const std::filesystem::path& model, const std::filesystem::path& data) {
  const LoadedNetwork loaded = load_network(model);
  const Network network{transform(loaded.network.module).model, loaded.network.tensors};
  const std::unique_ptr<SampleSource> source = open_samples(network.module, data);
  const std::vector<at::Tensor> batch = source->samples(0, source->size());
  QuantConfig config;
  config.activation.calibration_method = CalibrationMethod::kMinMax;
  QuantizeOptions options;
  options.float_type = DType::kF32;
  const QuantizationResult result = quantize(network, *source, config, options);
  const InferenceRunner frozen(result.network);
  QatNetwork trained(result, {{}, loaded.trainable});
  trained.train();
  Steps qat(trained.parameters(), [&] { return trained.forward(batch)[0]; });

  TensorStore tensors;
  std::vector<at::Tensor> parameters;
  for (const auto& [name, tensor] : network.tensors) {
    const auto known = loaded.trainable.find(name);
    const bool is_trained = known != loaded.trainable.end() && known->second;
    tensors.set(name, tensor.clone().requires_grad_(is_trained));
    if (is_trained) parameters.push_back(tensors.at(name));
  }
  const Executor executor(network.module);
  RunOptions training;
  training.mode = Mode::kTrain;
  Steps plain(parameters, [&] { return executor.run(tensors, batch, training)[0]; });

  bench::serve({{"frozen",
                 [&] {
                   const at::NoGradGuard no_grad;
                   return bench::cost([&] { return frozen.run(batch); });
                 }},
                {"qat_step", [&] { return qat.measure(); }},
                {"float_step", [&] { return plain.measure(); }}});
}

}  // namespace

int main(int argc, char** argv) {
  return bench::guarded([&] {
    if (argc != 3) throw std::invalid_argument("usage: training_bench MODEL.pt2 DATA");
    run(argv[1], argv[2]);
  });
}
