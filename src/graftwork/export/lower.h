// From a network to an ONNX model with explicit Q/DQ.
#pragma once

#include <map>
#include <string>

#include "graftwork/nn/tensor_store.h"
#include "graftwork/onnx/model.h"
#include "graftwork/patterns/backend.h"

namespace graftwork::core {

enum class WeightForm : uint8_t {
  kInt8,   ///< INT8 initializer and DQ: TensorRT 9 and later (rule V16).
  kFloat,  ///< Float initializer, Q and DQ: TensorRT 8 too.
};

struct ExportOptions {
  /// Type of the float regions, kF32, kF16 or kBF16. Graph inputs and outputs keep their own types.
  DType float_type = DType::kF16;
  WeightForm weights = WeightForm::kInt8;
  /// The engine that the file is for; null: the one that is used (get_backend).
  std::shared_ptr<const Backend> backend;
  /// Raises the opset above what the graph needs (within onnx::kWrittenOpsets); 0: what it needs.
  int64_t opset = 0;
  /// Attention that stays in FP16 as ONNX's Attention, which needs opset 23.
  bool attention_operator = false;
  /// Batch norms behind layers stay nodes of their own. The network must have been quantized so
  /// (QuantizeOptions::keep_batch_norm).
  bool keep_batch_norm = false;
  /// Weights that were mapped from a file leave memory once they are written: nobody will read them again soon.
  bool lets_go_of_weights = false;
};

/// Lowers a transformed network, quantized or not. Batch norm behind a convolution is folded unless it is to be kept,
/// weights of quantized layers are stored as codes. Same network, same model. Throws Error "export.unsupported" that
/// lists every node which has no lowering, "export.opset" (also where a node needs more than is asked for),
/// "export.fp16" (a constant beyond FP16, with its name); where the form of a node cannot take it, the lowering's own
/// error ("export.attribute", ...), and where several cannot, one error that lists them with the reasons, but for those
/// behind another. Lines for `warnings`, where given: operators that the file has and the engine is known not to take.
onnx::Model lower(const Network& network, const ExportOptions& options, std::vector<std::string>* warnings = nullptr);

/// Why nodes are still what they are, by their names: it stands behind what cannot be written.
using Reasons = std::map<Symbol, std::string>;

/// Throws Error "export.unsupported" that lists every node which has no lowering, "export.opset".
void check_exportable(const GraphModule& module, const ExportOptions& options, const Reasons& reasons = {});

/// To be asked before long work: lowers a network that is not quantized yet, and drops the model. In FP32, so that
/// weights which become codes need not fit FP16: "export.fp16" is left to lower. Throws what that throws otherwise, and
/// gives its warnings.
std::vector<std::string> try_lowering(const Network& network, const ExportOptions& options,
                                      const Reasons& reasons = {});

/// Whether modules of this kind of torch's can be lowered. Kinds with a body need no form of their own.
bool has_lowering(Symbol kind);

}  // namespace graftwork::core
