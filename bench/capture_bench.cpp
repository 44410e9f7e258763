// Recording a live ResNet-50 of torch's C++ front end, beside running it.
//     capture_bench        answers "forward", "record" and "record_verify" (with the replay on other inputs)
#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include "graftwork/import/captured/build_network.h"
#include "graftwork/import/recorded/record.h"
#include "serve.h"

namespace {

namespace nn = torch::nn;

nn::Conv2d conv(int64_t in, int64_t out, int64_t size, int64_t stride) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, size).stride(stride).padding(size / 2).bias(false));
}

struct BottleneckImpl : nn::Module {
  BottleneckImpl(int64_t in, int64_t width, int64_t stride) {
    conv1 = register_module("conv1", conv(in, width, 1, 1));
    bn1 = register_module("bn1", nn::BatchNorm2d(width));
    conv2 = register_module("conv2", conv(width, width, 3, stride));
    bn2 = register_module("bn2", nn::BatchNorm2d(width));
    conv3 = register_module("conv3", conv(width, 4 * width, 1, 1));
    bn3 = register_module("bn3", nn::BatchNorm2d(4 * width));
    if (stride == 1 && in == 4 * width) return;
    downsample =
        register_module("downsample", nn::Sequential(conv(in, 4 * width, 1, stride), nn::BatchNorm2d(4 * width)));
  }
  at::Tensor forward(const at::Tensor& x) {
    at::Tensor y = bn2(conv2(bn1(conv1(x)).relu_())).relu_();
    y = bn3(conv3(y));
    y += downsample ? downsample->forward(x) : x;
    return y.relu_();
  }
  nn::Conv2d conv1{nullptr}, conv2{nullptr}, conv3{nullptr};
  nn::BatchNorm2d bn1{nullptr}, bn2{nullptr}, bn3{nullptr};
  nn::Sequential downsample{nullptr};
};
TORCH_MODULE(Bottleneck);

struct ResNet50Impl : nn::Module {
  ResNet50Impl() {
    stem = register_module("conv1", conv(3, 64, 7, 2));
    bn = register_module("bn1", nn::BatchNorm2d(64));
    int64_t in = 64, width = 64;
    for (const int64_t blocks : {3, 4, 6, 3}) {
      for (int64_t i = 0; i < blocks; ++i) {
        body->push_back(Bottleneck(in, width, i == 0 && width > 64 ? 2 : 1));
        in = 4 * width;
      }
      width *= 2;
    }
    register_module("body", body);
    fc = register_module("fc", nn::Linear(in, 1000));
  }
  at::Tensor forward(const at::Tensor& image) {
    const at::Tensor x = body->forward(at::max_pool2d(bn(stem(image)).relu_(), 3, 2, 1));
    return fc(at::flatten(at::adaptive_avg_pool2d(x, {1, 1}), 1));
  }
  nn::Conv2d stem{nullptr};
  nn::BatchNorm2d bn{nullptr};
  nn::Sequential body;
  nn::Linear fc{nullptr};
};
TORCH_MODULE(ResNet50);

}  // namespace

int main() {
  using namespace graftwork::core;
  return bench::guarded([] {
    const at::NoGradGuard no_grad;
    ResNet50 net;
    net->eval();
    NamedTensors parameters, buffers;
    for (const auto& item : net->named_parameters()) parameters.emplace_back(item.key(), item.value());
    for (const auto& item : net->named_buffers()) buffers.emplace_back(item.key(), item.value());
    const std::vector<at::Tensor> inputs{at::randn({1, 3, 224, 224})};
    const Forward forward = [&](const std::vector<at::Tensor>& in) { return std::vector{net->forward(in[0])}; };
    const auto recorded = [&] { return record(forward, inputs, parameters, buffers); };
    bench::serve({{"forward", [&] { return bench::cost([&] { return forward(inputs); }); }},
                  {"record", [&] { return bench::cost(recorded); }},
                  {"record_verify", [&] {
                     return bench::cost([&] {
                       LoadedNetwork loaded = recorded();
                       verify_replay(loaded, forward, other_inputs(inputs));
                       return loaded;
                     });
                   }}});
  });
}
