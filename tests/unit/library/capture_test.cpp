// What capture() leaves behind: a network, and nothing else.
#include <torch/nn/modules/dropout.h>

#include <optional>
#include <thread>

#include "unit/library/library_testing.h"

namespace graftwork::testing {
namespace {

/// Counts its calls, keeps what it was given last, and can fail in its middle.
struct StatefulImpl : torch::nn::Module {
  torch::nn::BatchNorm1d bn{4};
  torch::nn::Dropout dropout{0.5};
  at::Tensor calls = register_buffer("calls", at::zeros({}, at::kLong));
  at::Tensor all = at::zeros({3, 4});
  at::Tensor last = register_buffer("last", all[1]);  // a part of other memory
  at::Tensor grows = register_buffer("grows", at::zeros({1}));
  bool fails = false;
  StatefulImpl() {
    register_module("bn", bn);
    register_module("dropout", dropout);
  }
  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor y = bn(x);
    calls.add_(1);
    last.copy_(x.select(0, 0));
    grows.set_data(at::ones({grows.size(0) + 1}));
    if (fails) throw std::logic_error("in the middle");
    return dropout(y) * 2;
  }
};
TORCH_MODULE(Stateful);

class Capture : public ::testing::Test {
 protected:
  Capture() { at::manual_seed(0); }

  void expect_as_before(const std::vector<at::Tensor>& before) const {
    const auto now = model_->named_buffers();
    ASSERT_EQ(now.size(), before.size());
    for (size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(at::equal(now[i].value(), before[i])) << now[i].key();
  }

  std::vector<at::Tensor> copies() const {
    std::vector<at::Tensor> made;
    for (const auto& item : model_->named_buffers()) made.push_back(item.value().clone());
    return made;
  }

  Stateful model_;
  at::Tensor x_ = at::randn({8, 4});
};

/// The next numbers of torch's generator, which stays where it is.
at::Tensor next_numbers() {
  at::Generator generator = at::globalContext().defaultGenerator(at::kCPU);
  const at::Tensor state = generator.get_state();
  const at::Tensor numbers = at::randn({4});
  generator.set_state(state);
  return numbers;
}

TEST_F(Capture, LeavesBuffersAndRandomNumbersAsTheyWere) {
  for (const bool replay : {false, true}) {
    model_->train();
    if (replay) model_->dropout->eval();  // what drops at random replays as nothing
    const std::vector<at::Tensor> before = copies();
    const at::Tensor numbers = next_numbers();
    capture(model_, {x_}, {.replay = replay});
    expect_as_before(before);
    EXPECT_TRUE(at::equal(next_numbers(), numbers));
    model_->forward(x_);  // which does move them
    EXPECT_EQ(model_->calls.item<int64_t>(), before[0].item<int64_t>() + 1);
    EXPECT_NE(model_->bn->running_mean.sum().item<float>(), before[3].sum().item<float>());
  }
}

TEST_F(Capture, LeavesThemAlsoWhereItFails) {
  model_->train();
  const std::vector<at::Tensor> before = copies();
  const at::Tensor numbers = next_numbers();
  EXPECT_EQ(code_of([&] { capture(model_, {x_}); }), "capture.replay");  // it drops at random
  expect_as_before(before);
  EXPECT_TRUE(at::equal(next_numbers(), numbers));
  model_->fails = true;
  EXPECT_THROW(capture(model_, {x_}), std::logic_error);
  expect_as_before(before);
  EXPECT_TRUE(at::equal(next_numbers(), numbers));
}

TEST_F(Capture, WhatDrawsNothingLeavesTheGeneratorToOthers) {
  model_->eval();
  at::Tensor drawn;
  const auto forward = [&](const at::Tensor& x) {
    std::thread([&] { drawn = at::randn({4}); }).join();
    return x * 2;
  };
  const at::Tensor numbers = next_numbers();
  capture(forward, {x_}, {.replay = false});
  EXPECT_TRUE(at::equal(drawn, numbers));
  EXPECT_FALSE(at::equal(next_numbers(), numbers));
}

TEST_F(Capture, ACaptureInsideOfAnotherRecordsForItself) {
  torch::nn::Linear outer(4, 4), inner(4, 4);
  std::optional<Network> found;
  const auto run = [&](const at::Tensor& x, bool captures) {
    if (captures) found = capture(inner, {x});
    return inner(outer(x)).relu();
  };
  const auto whole = [&](bool captures) {
    NamedTensors parameters{{"outer.weight", outer->weight},
                            {"outer.bias", outer->bias},
                            {"inner.weight", inner->weight},
                            {"inner.bias", inner->bias}};
    const Forward forward = [&](const std::vector<at::Tensor>& in) { return std::vector{run(in[0], captures)}; };
    return capture(forward, {x_}, parameters, {});
  };
  const Network plain = whole(false), with = whole(true);
  EXPECT_EQ(with.graph().text(), plain.graph().text());
  EXPECT_TRUE(with.warnings().empty()) << with.warnings().front();
  EXPECT_EQ(found->graph().text(), capture(inner, {x_}).graph().text());
}

TEST_F(Capture, ANetworkThatIsCapturedInsideRunsAsAPart) {
  torch::nn::Linear inner(4, 4);
  const auto forward = [&](const at::Tensor& x) { return capture(inner, {x})(x).relu(); };
  const Network network = capture(forward, {x_});
  EXPECT_EQ(network.graph().size(), 5U) << network.graph().text();
  const at::Tensor other = at::randn({8, 4});
  EXPECT_LT(difference(network(other), inner(other).relu()), 1e-6);
}

TEST_F(Capture, AnInnerCaptureThatFailsHarmsNothing) {
  torch::nn::Linear inner(4, 4);
  const auto forward = [&](const at::Tensor& x) {
    EXPECT_EQ(code_of([&] { capture(inner, {at::Tensor()}); }), "capture.input");
    return inner(x);
  };
  EXPECT_EQ(capture(forward, {x_}).graph().size(), capture(inner, {x_}).graph().size());
}

TEST_F(Library, SaysWhatItTakesAndGives) {
  const Network network =
      capture(model_, inputs_, {.input_names = {"image", "skip"}, .output_names = {"scores", "map"}});
  const auto said = [](const TensorInfo& info) {
    std::string text = info.name;
    for (const Extent& extent : info.shape) {
      EXPECT_EQ(std::to_string(extent.value.value()), extent.text);
      text += " " + extent.text;
    }
    return text;
  };
  EXPECT_EQ(said(network.inputs().at(0)), "image 1 3 8 8");
  EXPECT_EQ(said(network.inputs().at(1)), "skip 1 8 8 8");
  EXPECT_EQ(said(network.outputs().at(0)), "scores 1 4");
  EXPECT_EQ(said(network.outputs().at(1)), "map 1 8 8 8");
  EXPECT_EQ(network.inputs()[0].dtype, at::kFloat);
  const Network tokens = capture([](const at::Tensor& x) { return x.to(at::kHalf); }, {at::ones({2}, at::kLong)});
  EXPECT_EQ(tokens.inputs()[0].dtype, at::kLong);
  EXPECT_EQ(tokens.outputs()[0].dtype, at::kHalf);
  const Node node = network.graph().nodes().back();
  EXPECT_EQ(node.tensor()->name, node.name());
  EXPECT_EQ(node.tensor()->shape.size(), 2U);
}

TEST(LoadedNetworks, SayWhichExtentsAreFree) {
  const Network network = load(std::filesystem::path(GRAFTWORK_TEST_DATA) / "pt2" / "torch_2.8.pt2");
  const TensorInfo input = network.inputs().at(0);
  ASSERT_FALSE(input.shape.empty());
  EXPECT_FALSE(input.shape[0].value);
  EXPECT_EQ(input.shape[0].text[0], 's');
  EXPECT_EQ(network.outputs().at(0).shape.at(0).text, input.shape[0].text);
  EXPECT_GT(input.shape.back().value, 0);
}

}  // namespace
}  // namespace graftwork::testing
