// Networks as torch.export.save writes them (make_models.py): loaded, run, and compared with PyTorch's results bit by
// bit.
#include "graftwork/import/load.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/data/npz.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/ir/verify.h"
#include "graftwork/patterns/transform.h"
#include "graftwork/samples/tensors.h"
#include "unit/nn/random_tensors.h"

namespace graftwork::core::testing {
namespace {

using Tensors = std::map<std::string, at::Tensor>;

std::filesystem::path model(const std::string& file) { return std::filesystem::path(GRAFTWORK_LOAD_MODELS) / file; }

Tensors arrays(const std::string& file) {
  Tensors tensors;
  for (const NamedArray& entry : read_npz(model(file))) tensors[entry.name] = to_tensor(entry.array).clone();
  return tensors;
}

Network load(const std::string& name) {
  LoadedNetwork loaded = load_network(model(name + ".pt2"));
  EXPECT_EQ(loaded.unsupported, std::vector<std::string>()) << name;
  verify(loaded.network.module);
  return std::move(loaded.network);
}

Tensors run(const Network& network, const std::string& name) {
  at::set_num_threads(1);
  const at::NoGradGuard no_grad;
  const Tensors given = arrays(name + ".in.npz");
  std::vector<at::Tensor> inputs;
  for (const Node* input : network.module.graph().inputs()) inputs.push_back(given.at(input->name().str()));
  const std::vector<at::Tensor> results = Executor(network.module).run(network.tensors, inputs);
  Tensors named;
  for (size_t i = 0; i < results.size(); ++i) named[network.module.signature().outputs[i].str()] = results[i];
  return named;
}

/// `tolerance` 0 asks for the same bits.
void expect_results(const Network& network, const std::string& name, double tolerance = 0) {
  SCOPED_TRACE(name);
  const Tensors expected = arrays(name + ".out.npz");
  const Tensors got = run(network, name);
  ASSERT_EQ(got.size(), expected.size());
  for (const auto& [result, value] : expected) {
    ASSERT_TRUE(got.contains(result)) << result;
    EXPECT_EQ(type_of(got.at(result)).text(), type_of(value).text()) << result;
    EXPECT_LE(relative_difference(got.at(result), value), tolerance) << result;
  }
}

size_t count(const Network& network, Symbol op) {
  size_t found = 0;
  for (const Node& node : network.module.graph().nodes()) found += node.op() == op ? 1 : 0;
  return found;
}

Error refusal(const std::string& name) {
  try {
    load_network(model(name + ".pt2"));
  } catch (const Error& error) {
    return error;
  }
  return {"none", "it was loaded"};
}

TEST(Load, GivesPyTorchsResultsBitForBit) {
  for (const char* name : {"cnn", "cnn_core"}) expect_results(load(name), name);
}

TEST(Load, CompositesGiveThemByTheirParts) {
  for (const char* name : {"operators", "operators_core"}) expect_results(load(name), name, 1e-6);
}

TEST(Load, TransformedNetworksGiveThemToo) {
  for (const char* name : {"cnn", "cnn_core", "cnn_dynamic", "shared", "tied", "constants", "in_place", "sizes"}) {
    Network network = load(name);
    network.module = transform(network.module).model;
    verify(network.module);
    expect_results(network, name, 1e-6);
  }
}

TEST(Load, KnowsEveryShape) {
  for (const char* name : {"cnn", "cnn_core", "operators", "constants"}) {
    const Network network = load(name);
    for (const Node& node : network.module.graph().nodes()) {
      EXPECT_TRUE(node.use_count() == 0 || node.type().is_known()) << name << " %" << node.name().str();
    }
  }
}

TEST(Load, TakesAnyBatchWhereItIsDynamic) {
  const Network network = load("cnn_dynamic");
  expect_results(network, "cnn_dynamic");
  EXPECT_FALSE(network.module.graph().inputs().at(0)->tensor()->dims[0].is_static());
  EXPECT_EQ(network.module.graph().inputs().at(0)->tensor()->dims[1], Dim(3));
}

TEST(Load, ComputesSizesAtRunTime) { expect_results(load("sizes"), "sizes"); }

TEST(Load, KeepsTiedWeightsTied) {
  const Network network = load("tied");
  expect_results(network, "tied");
  EXPECT_EQ(network.tensors.size(), 2U);  // one weight, one bias
  const TransformationResult transformed = transform(network.module);
  std::vector<std::string> weights;
  for (const Node& node : transformed.model.graph().nodes()) {
    if (node.kind() != NodeKind::kCallModule) continue;
    if (const ModuleId linear = transformed.model.record(node).child("linear")) {
      weights.push_back(transformed.model.modules()[linear].param("weight")->text());
    }
  }
  EXPECT_EQ(weights, std::vector<std::string>(2, "@first.weight: f32[6, 6]"));
}

TEST(Load, MakesInPlaceOperatorsFunctional) {
  const Network network = load("in_place");
  expect_results(network, "in_place");
  for (const Node& node : network.module.graph().nodes()) {
    const auto handle = node.kind() == NodeKind::kCallFunction ? find_operator(node.op()) : std::nullopt;
    EXPECT_FALSE(handle && handle->schema().is_mutable()) << node.op().str();
  }
}

TEST(Load, WritesThroughViewsReachWhatTheyAreViewsOf) {
  const Network network = load("in_place_through_views");
  expect_results(network, "in_place_through_views");
  EXPECT_EQ(count(network, "aten.cat.default"), 1U);      // y[:, 0] put back
  EXPECT_EQ(count(network, "aten.reshape.default"), 1U);  // flat, read again after z was written
  for (const Node& node : network.module.graph().nodes())
    EXPECT_TRUE(node.use_count() == 0 || node.type().is_known()) << node.name().str();
}

TEST(Load, RefusesWritesThatItCannotFollowWithAList) {
  const Error error = refusal("in_place_refused");
  EXPECT_EQ(error.code(), "pt2.in_place");
  ASSERT_EQ(error.context().size(), 3U) << error.report();
  EXPECT_NE(error.context()[0].find("%add_ = aten.add_.Tensor in add_ (make_models.py:"), std::string::npos)
      << error.context()[0];
  EXPECT_NE(error.context()[0].find("writes through aten.as_strided.default"), std::string::npos) << error.context()[0];
  EXPECT_NE(error.context()[1].find("writes through aten.unfold.default"), std::string::npos) << error.context()[1];
  EXPECT_EQ(error.context()[2], model("in_place_refused.pt2").string());
}

TEST(Load, ReportsUnknownOperatorsAllAtOnceAndLoadsStill) {
  const LoadedNetwork loaded = load_network(model("unknown.pt2"));
  ASSERT_EQ(loaded.unsupported.size(), 2U);
  EXPECT_NE(loaded.unsupported[0].find("graftwork_test.twice.default: it is no operator of torch"), std::string::npos)
      << loaded.unsupported[0];
  EXPECT_NE(loaded.unsupported[1].find("graftwork_test.split_at.default"), std::string::npos);
  for (const std::string& line : loaded.unsupported) EXPECT_NE(line.find("make_models.py:"), std::string::npos) << line;
  verify(loaded.network.module);
  EXPECT_EQ(count(loaded.network, "graftwork_test.twice.default"), 1U);
  EXPECT_NE(print(loaded.network.module).find("graftwork_test.split_at.default"), std::string::npos);
  EXPECT_THROW(Executor(loaded.network.module), Error);
}

TEST(Load, FoldsConstantsButNeverParameters) {
  const Network network = load("constants");
  expect_results(network, "constants");
  for (const char* op :
       {"aten.arange.default", "aten.gt.Tensor", "aten.masked_fill.Scalar", "aten.permute.default", "aten.t.default"}) {
    EXPECT_EQ(count(network, op), 0U) << op;
  }
  bool trains = false;
  for (const Node& node : network.module.graph().nodes()) {
    if (node.kind() == NodeKind::kConstant)
      trains |= node.constant().text().find("@weight: f32[4, 6]") != std::string::npos;
  }
  EXPECT_TRUE(trains) << print(network.module);
}

TEST(Load, NamesResultsAfterTheKeysOfADict) {
  const Network network = load("dictionary");
  EXPECT_EQ(network.module.signature().outputs, (std::vector<Symbol>{"logits", "features", "image"}));
  expect_results(network, "dictionary");
}

TEST(Load, GivesAModuleThatIsCalledTwiceOneRecord) {
  Network network = load("shared");
  expect_results(network, "shared");
  prepare_graph(network.module);
  std::set<ModuleId> records;
  EXPECT_EQ(count(network, "nn.Conv2d"), 2U);
  for (const Node& node : network.module.graph().nodes()) {
    if (node.op() == Symbol("nn.Conv2d")) records.insert(node.module());
  }
  EXPECT_EQ(records.size(), 1U);
}

TEST(Load, InlinesWhatRunsWithoutGradients) {
  const Network network = load("no_grad");
  expect_results(network, "no_grad");
  EXPECT_EQ(print(network.module).find("higher_order"), std::string::npos);
  EXPECT_EQ(count(network, "aten.linear.default"), 2U);
}

}  // namespace
}  // namespace graftwork::core::testing
