// From a module of one's own and tensors of one's own to an ONNX file with Q/DQ, in one process.
//     cpp_quickstart OUT.onnx
#include <ATen/ATen.h>
#include <graftwork/graftwork.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include <iostream>

using namespace graftwork;

struct Net : torch::nn::Module {
  torch::nn::Conv2d conv1{torch::nn::Conv2dOptions(3, 64, 7).stride(2).padding(3).bias(false)};
  torch::nn::BatchNorm2d bn1{64};
  torch::nn::Conv2d conv2{torch::nn::Conv2dOptions(64, 64, 3).padding(1).bias(false)};
  torch::nn::BatchNorm2d bn2{64};
  torch::nn::Linear fc{64, 10};

  Net() {
    register_module("conv1", conv1);
    register_module("bn1", bn1);
    register_module("conv2", conv2);
    register_module("bn2", bn2);
    register_module("fc", fc);
  }

  at::Tensor forward(at::Tensor x) {
    x = at::max_pool2d(bn1(conv1(x)).relu_(), 3, 2, 1);
    x = (bn2(conv2(x)) + x).relu_();
    return fc(at::adaptive_avg_pool2d(x, {1, 1}).flatten(1));
  }
};

int main(int argc, char** argv) try {
  at::manual_seed(0);
  Net model;
  model.eval();
  const at::Tensor x = at::randn({1, 3, 64, 64});
  std::vector<at::Tensor> data;
  for (int i = 0; i < 16; ++i) data.push_back(at::randn({4, 3, 64, 64}));

  const TransformationResult res = transform(model, {x}, TENSORRT_PATTERNS, Trace::CAPTURE);
  std::cout << res.model.print_readable();
  for (const AppliedMatch& match : res.matches) std::cout << match.text() << "\n";

  const Module first_conv = res.model["FusedConvBNActMaxPool_0"]["conv"];  // a child, taken from the fused graph
  QuantConfig config;
  config.skip = {.stub = {first_conv}, .weight = {first_conv}};
  const auto forward_loop = [&](Calibrator& m) {
    for (const at::Tensor& batch : data) m(batch);
  };
  const QuantizationResult q = quantize(res.model, forward_loop, config);

  std::cout << q.stubs().size() << " Q/DQ, " << q.quantized_weights() << " quantized weights, " << q.samples()
            << " samples\n";
  if (argc > 1) export_onnx(q.model(), argv[1]);
} catch (const Error& error) {
  std::cerr << error.report() << "\n";
  return 1;
}
