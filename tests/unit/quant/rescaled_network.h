// Networks whose weights are rescaled: made of text, and how far their function moved.
#pragma once

#include <string>
#include <vector>

#include "graftwork/patterns/transform.h"
#include "unit/nn/random_tensors.h"

namespace graftwork::core::testing {

inline Network transformed(const std::string& text) {
  Network network = network_of(text);
  network.module = transform(network.module).model;
  return network;
}

/// Holds its batch of four samples fast: a view mixes them.
inline Network with_fixed_batch() {
  return transformed(
      "graph(%x: f32[4, 8]) {\n  %a = nn.Linear @a(%x) {in_features=8, out_features=8}\n"
      "  %v = aten.view.default(%a) {size=[2, 16]}\n"
      "  %b = nn.Linear @b(%v) {in_features=16, out_features=8}\n  return %b\n}\n");
}

/// Eight.
inline at::Tensor samples_of(const Network& network) {
  std::vector<int64_t> sizes;
  for (const Dim& dim : network.module.graph().inputs().front()->tensor()->dims) sizes.push_back(dim.value());
  sizes[0] = 8;
  return random_tensor({DType::kF32, {sizes.begin(), sizes.end()}}, 5);
}

inline double function_moved(const Network& before, const Network& after) {
  const at::Tensor x = samples_of(before).slice(0, 0, 1);
  const at::Tensor expected = Executor(before.module).run(before.tensors, std::vector{x}).front();
  return relative_difference(Executor(after.module).run(after.tensors, std::vector{x}).front(), expected);
}

}  // namespace graftwork::core::testing
