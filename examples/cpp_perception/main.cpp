// A detector of one's own, trained by a loop of one's own: captured, transformed, quantized, trained on with
// quantization, and written as ONNX, in one process and without Python.
//     cpp_perception OUT.onnx [STEPS]
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <graftwork/graftwork.h>
#include <torch/optim/adam.h>

#include <cmath>
#include <cstdio>
#include <numbers>
#include <string>

#include "detector.h"

namespace {

constexpr int64_t kBatch = 16;

at::Tensor batch_of(int64_t step, int64_t scenes) { return (at::arange(kBatch, at::kLong) + step * kBatch) % scenes; }

/// The team's own loop: `forward` is the float detector, and later the one with quantization.
template <class Forward>
void train(const Forward& forward, torch::optim::Adam& optimizer, const Scenes& scenes, int64_t steps, double rate) {
  for (int64_t step = 0; step < steps; ++step) {
    const double done = static_cast<double>(step) / static_cast<double>(steps);
    optimizer.param_groups()[0].options().set_lr(rate * 0.5 * (1 + std::cos(std::numbers::pi * done)));
    const at::Tensor chosen = batch_of(step, scenes.images.size(0));
    const auto [heat, extent] = forward(scenes.images.index_select(0, chosen));
    optimizer.zero_grad();
    detection_loss(heat, extent, scenes, chosen).backward();
    optimizer.step();
  }
}

void run(const char* output, int64_t steps) {
  at::manual_seed(0);
  at::set_num_threads(1);  // so small a network gains nothing from threads, and one is the same everywhere
  const Scenes training = draw_scenes(512, 1), heldout = draw_scenes(200, 2);
  Detector detector;
  detector->train();
  torch::optim::Adam optimizer(detector->parameters());
  train([&](const at::Tensor& images) { return detector->forward(images); }, optimizer, training, steps, 3e-3);
  detector->eval();

  const at::Tensor example = heldout.images.slice(0, 0, 1);
  const graftwork::Network captured =
      graftwork::capture(detector, {example}, {.input_names = {"images"}, .output_names = {"heat", "extent"}});
  const graftwork::TransformationResult transformed = graftwork::transform(captured);
  std::printf("kernels");
  for (const auto& [pattern, count] : transformed.report.counts) {
    if (pattern.starts_with("Raise")) continue;
    std::printf("  %s %zu", pattern.c_str(), count);
  }
  std::printf("\n\n");

  graftwork::QuantConfig config;
  config.weight.precision = graftwork::Precision::INT4;  // so that training has something to win back
  const auto forward_loop = [&](graftwork::Calibrator& model) {
    for (int64_t i = 0; i < 128; i += kBatch) model.observe({training.images.slice(0, i, i + kBatch)});
  };
  graftwork::QuantizeOptions options;
  options.float_type = graftwork::FloatType::FP32;
  const graftwork::QuantizationResult int4 = graftwork::quantize(transformed.model, forward_loop, config, options);
  const graftwork::QuantizationResult int8 = graftwork::quantize(transformed.model, forward_loop, {}, options);

  const auto trained = [&](const graftwork::QuantizationResult& calibrated) {
    graftwork::QatNetwork network(calibrated);
    torch::optim::Adam finer(network.parameters());
    network.train();
    network.freeze_batch_norm();
    const auto forward = [&](const at::Tensor& images) {
      const std::vector<at::Tensor> maps = network.forward(std::vector<at::Tensor>{images});
      return std::pair(maps[0], maps[1]);
    };
    train(forward, finer, training, steps / 4, 3e-4);
    network.eval();
    return network.freeze(graftwork::FloatType::FP32);
  };
  const graftwork::Network trained4 = trained(int4), trained8 = trained(int8);

  const auto percent = [&](const graftwork::Network& network) {
    const graftwork::Executor executor(network);
    return 100 * recall([&](const at::Tensor& images) { return executor.run({images}); }, heldout);
  };
  const auto of_detector = [&](const at::Tensor& images) {
    const auto [heat, extent] = detector->forward(images);
    return std::vector<at::Tensor>{heat, extent};
  };
  std::printf("shapes found, in percent   float  calibrated  trained\n");
  std::printf("INT8                      %6.1f      %6.1f   %6.1f\n", 100 * recall(of_detector, heldout),
              percent(int8.model()), percent(trained8));
  std::printf("INT8 with INT4 weights    %6.1f      %6.1f   %6.1f\n", 100 * recall(of_detector, heldout),
              percent(int4.model()), percent(trained4));
  graftwork::export_onnx(trained8, output, {.float_type = graftwork::FloatType::FP32});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fputs("usage: cpp_perception OUT.onnx [STEPS]\n", stderr);
    return 2;
  }
  try {
    run(argv[1], argc == 3 ? std::stoll(argv[2]) : 1000);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
