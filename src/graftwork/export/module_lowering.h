// How each module kind is written.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "graftwork/export/lowering.h"
#include "graftwork/nn/module_kernels.h"

namespace graftwork::core {

/// One module to be lowered on ONNX values: a node of its own, or a part of a fused module.
struct ModuleCall {
  const ModuleRecord& record;
  std::vector<std::string> inputs;
  Type input_type;  ///< Of the first input.
  Type output_type;
  std::string output;  ///< Name to give to the result; empty: any.

  const std::string& path() const { return record.path.str(); }
  std::vector<int64_t> integers(Symbol attr) const { return *attribute_of(record, attr)->get<std::vector<int64_t>>(); }
  int64_t integer(Symbol attr) const { return *attribute_of(record, attr)->get<int64_t>(); }
  double number(Symbol attr) const { return number_of(record, attr); }
  bool flag(Symbol attr) const { return *attribute_of(record, attr)->get<bool>(); }
};

using ModuleLowering = std::function<std::string(Lowering&, const ModuleCall&)>;

/// Empty for a kind that has none.
ModuleLowering find_module_lowering(Symbol kind);

/// ONNX lists the padding of all axes at their beginning, then of all at their end.
std::vector<int64_t> both_sides(std::vector<int64_t> padding);

/// The weight, or its codes, as lower_conv and lower_linear take it: transposed for a MatMul; with zeros between its
/// elements where the engine has no strided and dilated transposed convolution.
at::Tensor stored_weight(const Lowering& lowering, const ModuleCall& call, const at::Tensor& weight);

/// A convolution or linear layer on a weight value that is already there; `bias` may be empty.
std::string lower_conv(Lowering& lowering, const ModuleCall& call, const std::string& weight, const std::string& bias);
std::string lower_linear(Lowering& lowering, const ModuleCall& call, const std::string& weight,
                         const std::string& bias);
/// Whether a linear layer on this input is a Gemm (weights [out, in]) or a MatMul (weights [in, out]).
bool is_gemm(const Type& input);

/// Whether nn.Flatten leaves the first axis of this input and makes one of all others; `input` may be null.
bool joins_all_but_first(const ModuleRecord& flatten, const TensorType* input);

/// A call of a module with a body: its nodes one by one, batch norm folded, weights and inner values quantized where
/// they have a calibrated fake-quantize. Binds the node's value, or those of its get_items.
void lower_body(Lowering& lowering, const Node& call);

/// Any node that computes something (export/lower.cpp).
void lower_node(Lowering& lowering, const Node& node);

/// A call of a module of torch's.
std::string lower_module(Lowering& lowering, const Node& node, const std::string& output);

/// Lowerings by kind, one table per file of modules/.
using ModuleLowerings = std::vector<std::pair<Symbol, ModuleLowering>>;
ModuleLowerings conv_lowerings();
ModuleLowerings activation_lowerings();
ModuleLowerings pool_lowerings();
ModuleLowerings shape_lowerings();
ModuleLowerings norm_lowerings();
ModuleLowerings resize_lowerings();

}  // namespace graftwork::core
