// Running a long network of small operators: what each operator costs beside its own work.
//     execution_bench OPERATORS     answers "run" (the network) and "nodes" (one node after the other, as each layer's
//                                   sensitivity is measured)
#include <ATen/Parallel.h>

#include "graftwork/base/text.h"
#include "graftwork/ir/text/parse.h"
#include "graftwork/patterns/tensorrt/tensorrt.h"
#include "graftwork/quant/sensitivity/partial_network.h"
#include "serve.h"

namespace {

using namespace graftwork::core;

/// A chain in which every second operator reads a value from two steps before, too.
Network network_of(int64_t operators) {
  std::string text = "graph(%x: f32[1, 8]) {\n  %n0: f32[1, 8] = aten.relu.default(%x)\n";
  for (int64_t i = 1; i < operators; ++i) {
    text += i % 2 == 0 ? cat("  %n", i, ": f32[1, 8] = aten.maximum.default(%n", i - 1, ", %n", i - 2, ")\n")
                       : cat("  %n", i, ": f32[1, 8] = aten.relu.default(%n", i - 1, ")\n");
  }
  return {parse(text + cat("  return %n", operators - 1, "\n}\n")), {}};
}

void run(int64_t operators) {
  at::set_num_threads(1);
  const at::NoGradGuard no_grad;
  const Network network = network_of(operators);
  const InferenceRunner whole(network);
  const PartialNetwork by_nodes(network, network, {}, tensorrt_backend().placement);
  const std::vector<at::Tensor> inputs{at::ones({1, 8})};
  bench::serve({{"run", [&] { return bench::cost([&] { return whole.run(inputs); }); }},
                {"nodes", [&] { return bench::cost([&] { return by_nodes.run({}, inputs); }); }}});
}

}  // namespace

int main(int argc, char** argv) {
  return bench::guarded([&] {
    if (argc != 2) throw std::invalid_argument("usage: execution_bench OPERATORS");
    run(std::stoll(argv[1]));
  });
}
