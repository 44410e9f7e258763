// ONNX files with explicit Q/DQ.
#pragma once

#include <graftwork/quantize.h>

#include <filesystem>
#include <string>
#include <vector>

namespace graftwork {

struct ExportOptions {
  /// Of the regions in floating point. Inputs and outputs keep their own types.
  FloatType float_type = FloatType::FP16;
  /// Weights as floats with Q and DQ, for TensorRT 8; else as codes and DQ.
  bool float_weights = false;
  /// Raises the opset above what the graph needs; 0: what it needs.
  int64_t opset = 0;
  /// Attention that stays in floating point as ONNX's Attention, which needs opset 23.
  bool attention_operator = false;
  /// Batch norms behind layers stay nodes of their own: QuantizeOptions::keep_batch_norm must have said so too.
  bool keep_batch_norm = false;
};

/// Writes `path`, and for weights above 1 GB a file beside it (behind links) that is named by their content: whole
/// files, or none. Such a file of a model that is replaced is removed, unless another model of the folder names it. The
/// file that `network` was loaded from may be written over: it stays mapped as it was. The same network gives the same
/// bytes. What the engine is known not to take is in the result, a line each. Throws Error "export.*",
/// "file.unwritable", "onnx.too_large", and "memory.limit" where the machine has too little left for it.
GRAFTWORK_API std::vector<std::string> export_onnx(const Network& network, const std::filesystem::path& path,
                                                   const ExportOptions& options = {});

}  // namespace graftwork
