// The shapes of results, by families of operators; operator_rules.cpp says which operator has which.
#pragma once

#include "graftwork/onnx/operator_rules.h"

namespace graftwork::core::onnx {

// ---- shapes_elementwise.cpp --------------------------------------------------------------------------------
std::vector<Shape> same_shape(const Operands& operands);       ///< Of the first operand.
std::vector<Shape> quantized_shape(const Operands& operands);  ///< Of QuantizeLinear.
std::vector<Shape> broadcast_shape(const Operands& operands);
std::vector<Shape> matmul_shape(const Operands& operands);
std::vector<Shape> gemm_shape(const Operands& operands);
std::vector<Shape> attention_shape(const Operands& operands);    ///< Of [samples, heads, tokens, size].
std::vector<Shape> reduced_shape(const Operands& operands);      ///< Axes are the second operand.
std::vector<Shape> arg_reduced_shape(const Operands& operands);  ///< The axis is an attribute.

// ---- shapes_windows.cpp ------------------------------------------------------------------------------------
std::vector<Shape> conv_shape(const Operands& operands);
std::vector<Shape> conv_transpose_shape(const Operands& operands);
std::vector<Shape> pool_shape(const Operands& operands);
std::vector<Shape> global_pool_shape(const Operands& operands);
std::vector<Shape> resize_shape(const Operands& operands);

// ---- shapes_movement.cpp -----------------------------------------------------------------------------------
std::vector<Shape> reshape_shape(const Operands& operands);
std::vector<Shape> flatten_shape(const Operands& operands);
std::vector<Shape> transpose_shape(const Operands& operands);
std::vector<Shape> squeeze_shape(const Operands& operands);
std::vector<Shape> unsqueeze_shape(const Operands& operands);
std::vector<Shape> depth_to_space_shape(const Operands& operands);
std::vector<Shape> expand_shape(const Operands& operands);
std::vector<Shape> tile_shape(const Operands& operands);
std::vector<Shape> extents_shape(const Operands& operands);  ///< Of Shape.
std::vector<Shape> range_shape(const Operands& operands);

// ---- shapes_parts.cpp --------------------------------------------------------------------------------------
std::vector<Shape> concat_shape(const Operands& operands);
std::vector<Shape> split_shape(const Operands& operands);
std::vector<Shape> slice_shape(const Operands& operands);
std::vector<Shape> gather_shape(const Operands& operands);
std::vector<Shape> gather_elements_shape(const Operands& operands);
std::vector<Shape> gather_nd_shape(const Operands& operands);
std::vector<Shape> grid_sample_shape(const Operands& operands);
std::vector<Shape> top_k_shape(const Operands& operands);
std::vector<Shape> pad_shape(const Operands& operands);
std::vector<Shape> recurrent_shape(const Operands& operands);  ///< Of LSTM, GRU, RNN.

}  // namespace graftwork::core::onnx
