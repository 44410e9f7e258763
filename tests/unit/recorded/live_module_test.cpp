// Live modules, recorded: what becomes of them, and that it computes the same.
#include <gtest/gtest.h>

#include <thread>

#include "graftwork/export/lower.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/ir/verify.h"
#include "graftwork/nn/executor.h"
#include "graftwork/onnx/check.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/quant/micro_batch.h"
#include "graftwork/quant/quantize.h"
#include "support/reader_testing.h"
#include "unit/quant/memory_samples.h"
#include "unit/recorded/live_modules.h"

namespace graftwork::core::testing {
namespace {

TEST(Record, ResNet) {
  torch::manual_seed(0);
  ResNet net;
  net->eval();
  const at::Tensor x = at::randn({1, 3, 16, 16});
  const Forward forward = [&](const std::vector<at::Tensor>& in) { return std::vector{net->forward(in[0])}; };
  const LoadedNetwork loaded = record(forward, {x}, parameters_of(*net), buffers_of(*net));
  std::cout << print(loaded.network.module, ShowTypes::kAlways);
  for (auto& l : loaded.unsupported) std::cout << l << "\n";
  for (auto& l : loaded.warnings) std::cout << l << "\n";
  verify_replay(loaded, forward, other_inputs({x}));
  auto t = transform(loaded.network.module);
  std::cout << print(t.model);
}

TEST(Record, Transformer) {
  torch::manual_seed(0);
  nn::TransformerEncoderLayer net(nn::TransformerEncoderLayerOptions(32, 4).dim_feedforward(64));
  net->eval();
  const at::Tensor x = at::randn({7, 2, 32});
  const Forward forward = [&](const std::vector<at::Tensor>& in) { return std::vector{net->forward(in[0])}; };
  const LoadedNetwork loaded = record(forward, {x}, parameters_of(*net), buffers_of(*net));
  std::cout << print(loaded.network.module, ShowTypes::kAlways);
  for (auto& l : loaded.unsupported) std::cout << l << "\n";
  for (auto& l : loaded.warnings) std::cout << l << "\n";
  verify_replay(loaded, forward, other_inputs({x}));
  auto t = transform(loaded.network.module);
  std::cout << print(t.model);
}

TEST(Record, Lstm) {
  torch::manual_seed(0);
  nn::LSTM net(nn::LSTMOptions(8, 16).batch_first(true));
  net->eval();
  const at::Tensor x = at::randn({2, 5, 8});
  const Forward forward = [&](const std::vector<at::Tensor>& in) {
    return std::vector{std::get<0>(net->forward(in[0]))};
  };
  const LoadedNetwork loaded = record(forward, {x}, parameters_of(*net), buffers_of(*net));
  std::cout << print(loaded.network.module, ShowTypes::kAlways);
  for (auto& l : loaded.unsupported) std::cout << l << "\n";
  for (auto& l : loaded.warnings) std::cout << l << "\n";
  verify_replay(loaded, forward, other_inputs({x}));
  auto t = transform(loaded.network.module);
  std::cout << print(t.model);
}

}  // namespace
}  // namespace graftwork::core::testing
