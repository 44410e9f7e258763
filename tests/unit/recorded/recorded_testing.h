// Functions of tensors, recorded and proven.
#pragma once

#include <gtest/gtest.h>

#include "graftwork/import/captured/build_network.h"
#include "graftwork/import/recorded/record.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/ir/verify.h"
#include "support/reader_testing.h"

namespace graftwork::core::testing {

using Tensors = std::vector<at::Tensor>;

/// A forward that gives one tensor.
template <class Function>
Forward one_result(Function function) {
  return [function](const Tensors& inputs) { return Tensors{function(inputs)}; };
}

/// The recording, complete, which gives the same as `forward` on other inputs.
inline LoadedNetwork recorded(const Forward& forward, const Tensors& inputs, const NamedTensors& parameters = {},
                              const NamedTensors& buffers = {}, const RecordOptions& options = {}) {
  LoadedNetwork loaded = record(forward, inputs, parameters, buffers, options);
  EXPECT_EQ(loaded.unsupported, std::vector<std::string>());
  verify(loaded.network.module);
  verify_replay(loaded, forward, other_inputs(inputs));
  return loaded;
}

inline std::string text(const LoadedNetwork& loaded) { return print(loaded.network.module); }

/// How many nodes are of the operator or the module.
inline int64_t count(const GraphModule& module, Symbol what) {
  int64_t found = 0;
  for (const Node& node : module.graph().nodes()) {
    const bool is_module = node.kind() == NodeKind::kCallModule;
    found += (is_module ? module.record(node).kind == what : node.op() == what) ? 1 : 0;
  }
  return found;
}

}  // namespace graftwork::core::testing
