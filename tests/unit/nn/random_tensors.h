// Networks filled with numbers: parameters from their names, inputs from a seed.
#pragma once

#include <ATen/CPUGeneratorImpl.h>

#include <optional>
#include <string>
#include <vector>

#include "graftwork/nn/dtypes.h"
#include "graftwork/nn/executor.h"
#include "support/networks.h"

namespace graftwork::core::testing {

/// FNV-1a: the same on every machine, unlike std::hash.
inline uint64_t hash_of(std::string_view text, uint64_t seed = 0) {
  uint64_t hash = 14695981039346656037ULL ^ seed;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

/// Normal numbers; small whole numbers for integers. Extents that are known at run time only become 3.
inline at::Tensor random_tensor(const TensorType& type, uint64_t seed) {
  std::vector<int64_t> sizes;
  for (const Dim& dim : type.dims) sizes.push_back(dim.maybe_value().value_or(3));
  const at::Generator generator = at::detail::createCPUGenerator(seed);
  if (is_floating(type.dtype))
    return at::randn(sizes, generator, at::TensorOptions(at::kFloat)).to(to_torch(type.dtype));
  return at::randint(0, 2, sizes, generator, at::TensorOptions(at::kLong)).to(to_torch(type.dtype));
}

/// A tensor for each parameter of the network; one name has the same numbers in every network. Variances are positive.
inline TensorStore random_parameters(const GraphModule& module, uint64_t seed = 0) {
  TensorStore tensors;
  for (const auto& [name, type] : module.parameters()) {
    at::Tensor tensor = random_tensor(type, hash_of(name, seed));
    if (name.ends_with("running_var") || name.ends_with(".v")) tensor = tensor.abs() + 0.5;
    tensors.set(name, tensor);
  }
  return tensors;
}

inline std::vector<at::Tensor> random_inputs(const GraphModule& module, uint64_t seed = 0) {
  std::vector<at::Tensor> inputs;
  for (const Node* input : module.graph().inputs())
    inputs.push_back(random_tensor(*input->tensor(), hash_of(input->name().str(), seed)));
  return inputs;
}

/// A network from its printed form, its parameters filled in.
inline Network network_of(std::string_view text) {
  GraphModule module = parse_network(text);
  TensorStore tensors = random_parameters(module);
  return {std::move(module), std::move(tensors)};
}

inline Node& node_named(const GraphModule& module, Symbol name) {
  for (Node& node : module.graph().nodes()) {
    if (node.name() == name) return node;
  }
  throw std::runtime_error("no node " + name.str());
}

/// max |a − b| / max |b|; infinite when shape or type differ, or only one is NaN somewhere.
inline double relative_difference(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes() || a.scalar_type() != b.scalar_type()) return std::numeric_limits<double>::infinity();
  if (a.numel() == 0) return 0;
  const at::Tensor wide_a = a.detach().to(at::kDouble), wide_b = b.detach().to(at::kDouble);
  if (at::equal(wide_a, wide_b)) return 0;
  const double scale = std::max(wide_b.abs().max().item<double>(), 1e-30);
  const double difference = (wide_a - wide_b).abs().max().item<double>() / scale;
  return std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference;
}

}  // namespace graftwork::core::testing
