#include "graftwork/onnx/operator_rules.h"

#include <array>
#include <unordered_map>

#include "graftwork/onnx/shape_rules.h"

namespace graftwork::core::onnx {
namespace {

// Operators that are written, at the opsets that are written (onnx::kWrittenOpsets).
constexpr std::array kRules{
    // ---- one operand ------------------------------------------------------------------------------------
    OperatorRule{"Identity", "U", "U", "any", same_shape},
    OperatorRule{"Cast", "U", "C", "any", same_shape},
    OperatorRule{"Relu", "T", "T", "signed", same_shape},
    OperatorRule{"LeakyRelu", "T", "T", "float", same_shape},
    OperatorRule{"Elu", "T", "T", "float", same_shape},
    OperatorRule{"Selu", "T", "T", "float", same_shape},
    OperatorRule{"Gelu", "T", "T", "float", same_shape},
    OperatorRule{"Sigmoid", "T", "T", "float", same_shape},
    OperatorRule{"HardSigmoid", "T", "T", "float", same_shape},
    OperatorRule{"HardSwish", "T", "T", "float", same_shape},
    OperatorRule{"Mish", "T", "T", "float", same_shape},
    OperatorRule{"Softplus", "T", "T", "float", same_shape},
    OperatorRule{"Tanh", "T", "T", "float", same_shape},
    OperatorRule{"Softmax", "T", "T", "float", same_shape},
    OperatorRule{"LogSoftmax", "T", "T", "float", same_shape},
    OperatorRule{"Neg", "T", "T", "signed", same_shape},
    OperatorRule{"Abs", "T", "T", "number", same_shape},
    OperatorRule{"Sign", "T", "T", "number", same_shape},
    OperatorRule{"Erf", "T", "T", "float", same_shape},
    OperatorRule{"Exp", "T", "T", "float", same_shape},
    OperatorRule{"Log", "T", "T", "float", same_shape},
    OperatorRule{"Sqrt", "T", "T", "float", same_shape},
    OperatorRule{"Reciprocal", "T", "T", "float", same_shape},
    OperatorRule{"Sin", "T", "T", "float", same_shape},
    OperatorRule{"Cos", "T", "T", "float", same_shape},
    OperatorRule{"Floor", "T", "T", "float", same_shape},
    OperatorRule{"Ceil", "T", "T", "float", same_shape},
    OperatorRule{"Round", "T", "T", "float", same_shape},
    OperatorRule{"Acos", "T", "T", "float", same_shape},
    OperatorRule{"Acosh", "T", "T", "float", same_shape},
    OperatorRule{"Asin", "T", "T", "float", same_shape},
    OperatorRule{"Asinh", "T", "T", "float", same_shape},
    OperatorRule{"Atan", "T", "T", "float", same_shape},
    OperatorRule{"Atanh", "T", "T", "float", same_shape},
    OperatorRule{"Cosh", "T", "T", "float", same_shape},
    OperatorRule{"Sinh", "T", "T", "float", same_shape},
    OperatorRule{"Tan", "T", "T", "float", same_shape},
    OperatorRule{"IsNaN", "T", "B", "float", same_shape},
    OperatorRule{"IsInf", "T", "B", "float", same_shape},
    OperatorRule{"BitwiseNot", "T", "T", "whole", same_shape},
    OperatorRule{"CumSum", "T*", "T", "wide", same_shape},
    OperatorRule{"Trilu", "UI", "U", "any", same_shape},
    OperatorRule{"Not", "B", "B", "any", same_shape},
    // ---- elementwise ------------------------------------------------------------------------------------
    OperatorRule{"Add", "T", "T", "number", broadcast_shape},
    OperatorRule{"Sub", "T", "T", "number", broadcast_shape},
    OperatorRule{"Mul", "T", "T", "number", broadcast_shape},
    OperatorRule{"Div", "T", "T", "number", broadcast_shape},
    OperatorRule{"Mod", "T", "T", "number", broadcast_shape},
    OperatorRule{"Max", "T", "T", "number", broadcast_shape},
    OperatorRule{"Min", "T", "T", "number", broadcast_shape},
    OperatorRule{"Pow", "T*", "T", "wide", broadcast_shape},
    OperatorRule{"PRelu", "T", "T", "wide", same_shape},
    OperatorRule{"Clip", "T", "T", "number", same_shape},
    OperatorRule{"Equal", "U", "B", "any", broadcast_shape},
    OperatorRule{"Greater", "T", "B", "number", broadcast_shape},
    OperatorRule{"GreaterOrEqual", "T", "B", "number", broadcast_shape},
    OperatorRule{"Less", "T", "B", "number", broadcast_shape},
    OperatorRule{"LessOrEqual", "T", "B", "number", broadcast_shape},
    OperatorRule{"BitwiseAnd", "T", "T", "whole", broadcast_shape},
    OperatorRule{"BitwiseOr", "T", "T", "whole", broadcast_shape},
    OperatorRule{"BitwiseXor", "T", "T", "whole", broadcast_shape},
    OperatorRule{"And", "B", "B", "any", broadcast_shape},
    OperatorRule{"Or", "B", "B", "any", broadcast_shape},
    OperatorRule{"Xor", "B", "B", "any", broadcast_shape},
    OperatorRule{"Where", "BU", "U", "any", broadcast_shape},
    // ---- layers -----------------------------------------------------------------------------------------
    OperatorRule{"MatMul", "T", "T", "wide", matmul_shape},
    OperatorRule{"Gemm", "T", "T", "wide", gemm_shape},
    OperatorRule{"Attention", "TTTU", "T", "float", attention_shape},
    OperatorRule{"Conv", "T", "T", "float", conv_shape},
    OperatorRule{"ConvTranspose", "T", "T", "float", conv_transpose_shape},
    OperatorRule{"LSTM", "TTTT*T", "T", "float", recurrent_shape},
    OperatorRule{"GRU", "TTTT*T", "T", "float", recurrent_shape},
    OperatorRule{"RNN", "TTTT*T", "T", "float", recurrent_shape},
    // ---- norms ------------------------------------------------------------------------------------------
    OperatorRule{"BatchNormalization", "TSSVV", "T", "float", same_shape},
    OperatorRule{"InstanceNormalization", "T", "T", "float", same_shape},
    OperatorRule{"GroupNormalization", "T", "T", "float", same_shape},
    OperatorRule{"LayerNormalization", "T", "T", "float", same_shape},
    OperatorRule{"RMSNormalization", "T", "T", "float", same_shape},
    // ---- pools, resizing --------------------------------------------------------------------------------
    OperatorRule{"MaxPool", "T", "TI", "number", pool_shape},
    OperatorRule{"AveragePool", "T", "T", "float", pool_shape},
    OperatorRule{"GlobalAveragePool", "T", "T", "float", global_pool_shape},
    OperatorRule{"GlobalMaxPool", "T", "T", "float", global_pool_shape},
    OperatorRule{"Resize", "U**I", "U", "any", resize_shape},
    // ---- reductions -------------------------------------------------------------------------------------
    OperatorRule{"ReduceMean", "TI", "T", "wide", reduced_shape},
    OperatorRule{"ReduceSum", "TI", "T", "wide", reduced_shape},
    OperatorRule{"ReduceProd", "TI", "T", "wide", reduced_shape},
    OperatorRule{"ReduceMax", "UI", "U", "any", reduced_shape},
    OperatorRule{"ReduceMin", "UI", "U", "any", reduced_shape},
    OperatorRule{"ReduceLogSumExp", "TI", "T", "wide", reduced_shape},
    OperatorRule{"ReduceL1", "TI", "T", "wide", reduced_shape},
    OperatorRule{"ReduceL2", "TI", "T", "wide", reduced_shape},
    OperatorRule{"ArgMax", "T", "I", "number", arg_reduced_shape},
    OperatorRule{"ArgMin", "T", "I", "number", arg_reduced_shape},
    // ---- data movement ----------------------------------------------------------------------------------
    OperatorRule{"Reshape", "UI", "U", "any", reshape_shape},
    OperatorRule{"Flatten", "U", "U", "any", flatten_shape},
    OperatorRule{"Transpose", "U", "U", "any", transpose_shape},
    OperatorRule{"Squeeze", "UI", "U", "any", squeeze_shape},
    OperatorRule{"Unsqueeze", "UI", "U", "any", unsqueeze_shape},
    OperatorRule{"DepthToSpace", "U", "U", "any", depth_to_space_shape},
    OperatorRule{"Expand", "UI", "U", "any", expand_shape},
    OperatorRule{"Tile", "UI", "U", "any", tile_shape},
    OperatorRule{"Shape", "*", "I", "any", extents_shape},
    OperatorRule{"Range", "T", "T", "wide", range_shape},
    OperatorRule{"Concat", "U", "U", "any", concat_shape},
    OperatorRule{"Split", "UI", "U", "any", split_shape},
    OperatorRule{"Slice", "UN", "U", "any", slice_shape},
    OperatorRule{"Gather", "UN", "U", "any", gather_shape},
    OperatorRule{"GatherElements", "UN", "U", "any", gather_elements_shape},
    OperatorRule{"GatherND", "UI", "U", "any", gather_nd_shape},
    OperatorRule{"GridSample", "T", "T", "float", grid_sample_shape},
    OperatorRule{"TopK", "TI", "TI", "number", top_k_shape},
    OperatorRule{"ScatterElements", "UNU", "U", "any", same_shape},
    OperatorRule{"ScatterND", "UIU", "U", "any", same_shape},
    OperatorRule{"Pad", "UIUN", "U", "any", pad_shape},
    // ---- quantization -----------------------------------------------------------------------------------
    OperatorRule{"QuantizeLinear", "T*U", "U", "wide", quantized_shape},
    OperatorRule{"DequantizeLinear", "UTU", "T", "float", same_shape},
};

}  // namespace

const OperatorRule* find_operator_rule(std::string_view op_type) {
  static const std::unordered_map<std::string_view, const OperatorRule*> table = [] {
    std::unordered_map<std::string_view, const OperatorRule*> all;
    for (const OperatorRule& rule : kRules) all.emplace(rule.op_type, &rule);
    return all;
  }();
  const auto found = table.find(op_type);
  return found == table.end() ? nullptr : found->second;
}

bool is_allowed(std::string_view types, DType type) {
  if (types == "any") return true;
  if (types == "float") return is_floating(type);
  if (types == "whole") return !is_floating(type) && type != DType::kBool;
  if (types == "wide") return is_floating(type) || type == DType::kI32 || type == DType::kI64;
  return type != DType::kBool && (types == "number" || type != DType::kU8);
}

}  // namespace graftwork::core::onnx
