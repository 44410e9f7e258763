// Training that stops and goes on: to the same bytes, and never into another network.
#include "graftwork/train/checkpoint.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>

#include <filesystem>

#include "graftwork/base/atomic_file.h"
#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "unit/train/trained_networks.h"

namespace graftwork::core::testing {
namespace {

using torch::optim::Optimizer;

/// Files of one test.
class Checkpoint : public ::testing::Test {
 protected:
  void SetUp() override {
    at::set_num_threads(1);  // nothing is gained by more on so small a network
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path file(const std::string& name) const { return folder_ / name; }

 private:
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() /
      ("checkpoint_" + std::to_string(::getpid()) + ::testing::UnitTest::GetInstance()->current_test_info()->name());
};

using MakeOptimizer = std::function<std::unique_ptr<Optimizer>(std::vector<at::Tensor>)>;

std::vector<std::pair<std::string, MakeOptimizer>> optimizers() {
  using namespace torch::optim;
  return {{"SGD", [](auto of) { return std::make_unique<SGD>(of, SGDOptions(0.01)); }},
          {"SGD with momentum", [](auto of) { return std::make_unique<SGD>(of, SGDOptions(0.01).momentum(0.9)); }},
          {"Adam", [](auto of) { return std::make_unique<Adam>(of, AdamOptions(0.01).amsgrad(true)); }},
          {"AdamW", [](auto of) { return std::make_unique<AdamW>(of, AdamWOptions(0.01)); }}};
}

/// Steps [begin, end), with random numbers of torch's, a schedule, and batch norm frozen from step 3 on.
void train(QatNetwork& network, Optimizer& optimizer, int64_t begin, int64_t end) {
  for (int64_t step = begin; step < end; ++step) {
    if (step == 3) network.freeze_batch_norm();
    optimizer.zero_grad();
    const at::Tensor noise = at::rand({8, 3, 6, 6});
    network.forward(random_batch(8, static_cast<uint64_t>(step)) + noise).square().mean().backward();
    optimizer.step();
    for (auto& group : optimizer.param_groups()) group.options().set_lr(group.options().get_lr() * 0.9);
  }
}

TEST_F(Checkpoint, ResumesToTheSameBytes) {
  const QuantizationResult result = calibrated(transformed(kSmallCnn));
  for (const auto& [name, make] : optimizers()) {
    const auto run = [&](const std::string& to, int64_t begin, int64_t end, const std::string& from) {
      QatNetwork network(result);
      const std::unique_ptr<Optimizer> optimizer = make(network.parameters());
      if (from.empty()) {
        at::manual_seed(7);
        network.train();
      } else {
        at::manual_seed(1234);
        EXPECT_EQ(load_checkpoint(file(from), network, *optimizer), begin);
      }
      train(network, *optimizer, begin, end);
      save_checkpoint(file(to), network, *optimizer, end);
    };
    run("all", 0, 6, "");
    run("first", 0, 2, "");
    run("second", 2, 4, "first");
    run("third", 4, 6, "second");
    EXPECT_EQ(read_text(file("third")), read_text(file("all"))) << name;
    EXPECT_NE(read_text(file("second")), read_text(file("all"))) << name;
  }
}

/// What it says, code first; empty when it was taken.
std::string refusal(const std::filesystem::path& path, QatNetwork& network, Optimizer& optimizer) {
  std::map<std::string, at::Tensor> before;
  for (const auto& [name, tensor] : network.named_parameters()) before[name] = tensor.detach().clone();
  try {
    load_checkpoint(path, network, optimizer);
    return "";
  } catch (const Error& error) {
    for (const auto& [name, tensor] : network.named_parameters())
      EXPECT_TRUE(at::equal(tensor, before.at(name))) << name << " was changed";
    return error.report();
  }
}

TEST_F(Checkpoint, IsRefusedByWhatItWasNotWrittenFor) {
  const QuantizationResult result = calibrated(transformed(kSmallCnn));
  QatNetwork network(result);
  torch::optim::Adam optimizer(network.parameters());
  train_step(network, optimizer, 0);
  save_checkpoint(file("a"), network, optimizer, 1);

  QatNetwork same(result);
  torch::optim::SGD sgd(same.parameters(), torch::optim::SGDOptions(0.1));
  EXPECT_NE(refusal(file("a"), same, sgd).find("the state is that of Adam, the optimiser is SGD"), std::string::npos);

  torch::optim::Adam half(same.model_parameters());
  EXPECT_NE(refusal(file("a"), same, half).find("the optimiser has no parameter"), std::string::npos);

  QatNetwork fixed(result, {{false, false}, {}});
  torch::optim::Adam of_fixed(fixed.parameters());
  EXPECT_NE(refusal(file("a"), fixed, of_fixed).find("it is of another network"), std::string::npos);

  QuantizationResult otherwise = calibrated(transformed(kSmallCnn));
  otherwise.network.tensors.set("head.weight", otherwise.network.tensors.at("head.weight") * 2);
  QatNetwork other(otherwise);
  torch::optim::Adam of_other(other.parameters());
  EXPECT_NE(refusal(file("a"), other, of_other).find("it is of another network"), std::string::npos)
      << "its graph is the same, and its numbers are not";

  QatOptions fewer;
  fewer.trainable = {{"head.weight", false}};
  QatNetwork partly(result, fewer);
  torch::optim::Adam of_partly(partly.parameters());
  EXPECT_NE(refusal(file("a"), partly, of_partly).find("the network has no parameter head.weight"), std::string::npos);

  torch::optim::Adam of_same(same.parameters());
  EXPECT_EQ(refusal(file("a"), same, of_same), "");
}

TEST_F(Checkpoint, IsRefusedWhereItIsBroken) {
  QatNetwork network(calibrated(transformed(kSmallCnn)));
  torch::optim::Adam optimizer(network.parameters());
  save_checkpoint(file("a"), network, optimizer, 1);
  const std::string whole = read_text(file("a"));
  write_file(file("cut"), whole.substr(0, whole.size() / 2));
  write_file(file("text"), "no checkpoint");
  for (const char* name : {"cut", "text", "missing"}) EXPECT_NE(refusal(file(name), network, optimizer), "") << name;
}

TEST_F(Checkpoint, IsNotWrittenForAnOptimiserThatItCannotStore) {
  QatNetwork network(calibrated(transformed(kSmallCnn)));
  torch::optim::RMSprop unknown(network.parameters());
  EXPECT_THROW(save_checkpoint(file("a"), network, unknown, 1), Error);
  torch::optim::SGD foreign({at::ones({2})}, torch::optim::SGDOptions(0.1));
  EXPECT_THROW(save_checkpoint(file("a"), network, foreign, 1), Error);
  EXPECT_FALSE(std::filesystem::exists(file("a")));
}

}  // namespace
}  // namespace graftwork::core::testing
