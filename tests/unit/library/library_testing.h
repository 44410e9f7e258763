// A network of two inputs and two results, and data for it. Nothing but public headers is included, and torch's.
#pragma once

#include <ATen/ATen.h>
#include <graftwork/graftwork.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include <filesystem>
#include <fstream>

namespace graftwork::testing {

/// Two inputs, two results, a layer called by two paths.
struct TwoImpl : torch::nn::Module {
  torch::nn::Conv2d conv{torch::nn::Conv2dOptions(3, 8, 3).padding(1).bias(false)};
  torch::nn::BatchNorm2d bn{8};
  torch::nn::Linear fc{8, 4};
  TwoImpl() {
    register_module("conv", conv);
    register_module("bn", bn);
    register_module("fc", fc);
  }
  std::tuple<at::Tensor, at::Tensor> forward(at::Tensor x, at::Tensor y) {
    x = bn(conv(x)).relu_() + y;
    return {fc(at::adaptive_avg_pool2d(x, {1, 1}).flatten(1)), x};
  }
};
TORCH_MODULE(Two);

class Library : public ::testing::Test {
 protected:
  Library() {
    at::manual_seed(0);
    model_->eval();
    inputs_ = {at::randn({1, 3, 8, 8}), at::randn({1, 8, 8, 8})};
    for (int i = 0; i < 6; ++i) data_.push_back({at::randn({2, 3, 8, 8}), at::randn({2, 8, 8, 8})});
  }

  TransformationResult transformed() { return transform(model_, inputs_); }

  QuantizationResult calibrated(const Network& network, const QuantConfig& config = {},
                                const QuantizeOptions& options = {}) const {
    const auto loop = [&](Calibrator& model) {
      for (const std::vector<at::Tensor>& batch : data_) model(batch);
    };
    return quantize(network, loop, config, options);
  }

  TensorSamples all() const {
    std::vector<at::Tensor> x, y;
    for (const std::vector<at::Tensor>& batch : data_) {
      x.push_back(batch[0]);
      y.push_back(batch[1]);
    }
    return TensorSamples({at::cat(x), at::cat(y)});
  }

  Two model_;
  std::vector<at::Tensor> inputs_;
  std::vector<std::vector<at::Tensor>> data_;
};

template <class Work>
std::string code_of(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.code();
  }
  return "none";
}

inline std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct TemporaryFile {
  explicit TemporaryFile(const char* name) : path(std::filesystem::path(::testing::TempDir()) / name) {}
  ~TemporaryFile() { std::filesystem::remove(path); }
  std::filesystem::path path;
};

inline double difference(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }

}  // namespace graftwork::testing
