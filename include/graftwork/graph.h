// What a network consists of, to be looked at: nodes, and the modules that they call.
//
// All of these are handles: cheap to copy, and what they show of stays as long as one of them is there. One that was
// moved from is still there, and shows what it showed. Nothing here changes a network.
#pragma once

#include <c10/core/ScalarType.h>
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

/// What a handle holds: never empty, as moving it copies it.
template <class T>
class Held {
 public:
  Held(std::shared_ptr<T> object) noexcept : object_(std::move(object)) {}
  Held(const Held&) noexcept = default;
  Held& operator=(const Held&) noexcept = default;

  T* operator->() const noexcept { return object_.get(); }
  T& operator*() const noexcept { return *object_; }
  friend bool operator==(const Held& a, const Held& b) noexcept { return a.object_ == b.object_; }

 private:
  std::shared_ptr<T> object_;
};

struct NetworkState;
using State = Held<const NetworkState>;

}  // namespace detail

/// How far a tensor reaches along an axis: a number, or what is known at run time only.
struct Extent {
  std::optional<int64_t> value = {};  ///< Absent where it is known at run time only.
  std::string text = {};  ///< "224", or what symbols say of it: "s0", "2*s0+1". Equal symbols are one number.
};

/// A tensor that a network takes, gives, or computes on the way.
struct TensorInfo {
  std::string name = {};
  c10::ScalarType dtype = c10::ScalarType::Undefined;
  std::vector<Extent> shape = {};  ///< Outermost first.
};

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
  /// The same as data; absent for what is no tensor (a size, a tuple) or has no known type.
  std::optional<TensorInfo> tensor() const;
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
