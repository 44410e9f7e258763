// The rewriter alone: convolutional blocks and forks of SiLU, 36 grafts for every 100 nodes; no torch.
//     rewrite_bench NODES        prints what one run_to_fixpoint on a fresh network costs: "WALL CPU", then its size
#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/patterns/fusion.h"
#include "graftwork/patterns/tensorrt/tensorrt.h"
#include "graftwork/rewrite/rewriter.h"
#include "serve.h"

namespace {

using namespace graftwork::core;

constexpr int64_t kChannels = 8;

// %b = nn.BatchNorm2d(nn.Conv2d(%x))   =>   FusedConvBN, with nn.ReLU behind it FusedConvBNAct
struct ConvBnAct final : FusionPattern {
  Pat x = any();
  Pat conv = op("nn.Conv2d")(x);
  Pat bn = op("nn.BatchNorm2d")(conv);
  Pat act = op("nn.ReLU")(bn);
  Pat last = either(act, bn);

  std::string_view name() const override { return "ConvBnAct"; }
  std::vector<Pat> roots() const override { return {last}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    const Symbol kind = match.has(act) ? "FusedConvBNAct" : "FusedConvBN";
    return fuse(kind, {{"conv", conv}, {"bn", bn}, {"act", act}}, {x}, last, match, graft);
  }
};

// %y = aten.mul.Tensor(%x, aten.sigmoid.default(%x))   =>   aten.silu.default
struct Silu final : Pattern {
  Pat x = any();
  Pat mul = op("aten.mul.Tensor")(x, op("aten.sigmoid.default")(x)).commutes();

  std::string_view name() const override { return "Silu"; }
  std::vector<Pat> roots() const override { return {mul}; }
  Outcome graft(const Match& match, Graft& graft) const override {
    return graft.replace(match[mul], graft.call_function("aten.silu.default", {&match[x]}, {}));
  }
};

/// Appends calls, each with a module of its own.
class Builder {
 public:
  explicit Builder(GraphModule& network) : network_(network) {}

  Node& conv(Node& x, const std::string& path) {
    ModuleRecord record;
    record.path = path;
    record.kind = "nn.Conv2d";
    record.attrs = {
        {"in_channels", kChannels}, {"out_channels", kChannels}, {"kernel_size", std::vector<int64_t>{1, 1}}};
    record.params = {{"weight", leaf(path + ".weight", {kChannels, kChannels, 1, 1})}};
    return call(std::move(record), x);
  }
  Node& batch_norm(Node& x, const std::string& path) {
    ModuleRecord record;
    record.path = path;
    record.kind = "nn.BatchNorm2d";
    record.attrs = {{"num_features", kChannels}};
    for (const char* name : {"weight", "bias", "running_mean", "running_var"}) {
      record.params.emplace_back(name, leaf(cat(path, ".", name), {kChannels}));
    }
    return call(std::move(record), x);
  }
  Node& relu(Node& x, const std::string& path) {
    ModuleRecord record;
    record.path = path;
    record.kind = "nn.ReLU";
    return call(std::move(record), x);
  }
  Node& function(const char* op, std::initializer_list<Node*> inputs, const std::string& name) {
    return network_.add_call_function(op, name, std::span(inputs.begin(), inputs.size()), {});
  }

 private:
  static ParamExpr leaf(const std::string& name, std::vector<Dim> dims) {
    return ParamExpr::leaf(name, TensorType{DType::kF32, std::move(dims)});
  }
  Node& call(ModuleRecord record, Node& x) {
    const Symbol path = record.path;
    Node* const inputs[] = {&x};
    return network_.add_call_module(path, network_.modules().add(std::move(record)), inputs, {path, {}});
  }

  GraphModule& network_;
};

/// conv, bn, relu in every other block, a fork of SiLU in either order, a residual add; then plain relus up to `nodes`.
void build(GraphModule& network, size_t nodes, size_t blocks) {
  Builder builder(network);
  Node* x = &network.add_input("x", TensorType{DType::kF32, {1, kChannels, 16, 16}});
  for (size_t i = 0; i < blocks; ++i) {
    const std::string block = cat("blocks.", i);
    Node* y = &builder.batch_norm(builder.conv(*x, block + ".conv"), block + ".bn");
    if (i % 2 == 1) y = &builder.relu(*y, block + ".relu");
    Node& sigmoid = builder.function("aten.sigmoid.default", {y}, block + ".sigmoid");
    Node& mul = i % 4 < 2 ? builder.function("aten.mul.Tensor", {y, &sigmoid}, block + ".mul")
                          : builder.function("aten.mul.Tensor", {&sigmoid, y}, block + ".mul");
    x = &builder.function("aten.add.Tensor", {&mul, x}, block + ".add");
  }
  while (network.graph().size() + 1 < nodes) {
    x = &builder.function("aten.relu.default", {x}, cat("tail.", network.graph().size()));
  }
  network.add_output(std::span(&x, 1), {"y"});
}

void run(size_t nodes) {
  const size_t blocks = nodes * 18 / 100;
  GraphModule network(tensorrt_backend().kinds);
  build(network, nodes, blocks);
  const size_t built = network.graph().size();
  const Rewriter rewriter({std::make_shared<ConvBnAct>(), std::make_shared<Silu>()});
  size_t grafts = 0;
  const bench::Cost cost = bench::cost([&] {
    Report report = rewriter.run_to_fixpoint(network);
    grafts = report.applied.size();
    return report;
  });
  GRAFTWORK_ASSERT(grafts == 2 * blocks);
  std::printf("%.9g %.9g %zu nodes %zu grafts\n", cost.wall, cost.cpu, built, grafts);
}

}  // namespace

int main(int argc, char** argv) {
  return bench::guarded([&] {
    if (argc != 2) throw std::invalid_argument("usage: rewrite_bench NODES");
    run(std::stoul(argv[1]));
  });
}
