// What a network consists of, to be looked at: nodes, and the modules that they call.
//
// All of these are handles: cheap to copy, and what they show of stays as long as one of them is there. Nothing here
// changes a network.
#pragma once

#include <graftwork/error.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace graftwork {

namespace detail {
struct NetworkState;
using State = std::shared_ptr<const NetworkState>;
}  // namespace detail

/// A layer, or a kernel with the layers that it consists of.
class GRAFTWORK_API Module {
 public:
  /// Unique in its network: "layer1.0.conv1", "FusedConvBNAct_3".
  std::string path() const;
  /// "nn.Conv2d", "FusedConvBNAct".
  std::string kind() const;
  /// Roles and parts in order: "conv", "bn", "act"; empty for a layer.
  std::vector<std::pair<std::string, Module>> parts() const;
  /// The part with this role. Throws Error "graph.part" that lists those there are.
  Module operator[](std::string_view role) const;
  /// Positions of the inputs that may be quantized.
  std::vector<int64_t> inputs_to_quantize() const;
  /// "nn.Conv2d @stem.conv {in_channels=3, ...}", with its parts.
  std::string text() const;

  /// Whether both are the same module of the same network.
  friend GRAFTWORK_API bool operator==(const Module& a, const Module& b);

  Module(detail::State network, uint32_t index);

 private:
  detail::State network_;
  uint32_t index_;
};

/// One operation and the value that it gives.
class GRAFTWORK_API Node {
 public:
  /// Of the value, unique in its graph: "conv2d_1".
  std::string name() const;
  /// "nn.Conv2d", "FusedConvBNAct", "aten.add.Tensor", "input", "constant", "get_item", "output".
  std::string op() const;
  /// "f32[1, 64, 56, 56]"; extents that are known at run time only are symbols, "s0".
  std::string type() const;
  /// The module that it calls.
  std::optional<Module> module() const;
  /// The values that it reads.
  std::vector<Node> inputs() const;
  /// How many operands read its value.
  size_t use_count() const;
  /// Of the innermost module that it comes from, "layer1.0.conv1"; empty where that is not known.
  std::string module_path() const;

  Node(detail::State network, uint32_t index);

 private:
  detail::State network_;
  uint32_t index_;
};

/// Nodes in topological order.
class GRAFTWORK_API Graph {
 public:
  std::vector<Node> nodes() const;
  /// Throws Error "graph.node" where none has this name.
  Node node(std::string_view name) const;
  /// Without the output.
  size_t size() const;
  /// The printed form (docs/ir.md), the same for the same network.
  std::string text() const;

  explicit Graph(detail::State network) : network_(std::move(network)) {}

 private:
  detail::State network_;
};

}  // namespace graftwork
