// Networks as ONNX files.
#include <pybind11/stl.h>

#include "bindings/bindings.h"
#include "bindings/file_form.h"
#include "bindings/quantized.h"
#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/export_memory.h"
#include "graftwork/onnx/write.h"

namespace graftwork::python {
namespace py = pybind11;

FileForm file_form(const std::string& float_type, bool keep_batch_norm) {
  if (float_type == "fp16") return {core::DType::kF16, keep_batch_norm};
  if (float_type == "fp32") return {core::DType::kF32, keep_batch_norm};
  if (float_type == "bf16") return {core::DType::kBF16, keep_batch_norm};
  throw Error("export.float", core::cat("the float type is ", core::quoted(float_type)), "fp16, fp32 or bf16");
}

std::string name_of(const FileForm& form) {
  if (form.float_type == core::DType::kBF16) return "bf16";
  return form.float_type == core::DType::kF16 ? "fp16" : "fp32";
}

namespace {

core::WeightForm weight_form(const std::string& name) {
  if (name == "int8") return core::WeightForm::kInt8;
  if (name == "float") return core::WeightForm::kFloat;
  throw Error("export.weights", core::cat("the form of weights is ", core::quoted(name)), "int8 or float");
}

/// Returns what the engine is known not to take.
std::vector<std::string> export_onnx(const core::Network& network, const std::string& path, const FileForm& form,
                                     const std::string& weights, int64_t opset, bool attention_operator,
                                     const Quantized* from) {
  core::ExportOptions options;
  options.float_type = form.float_type;
  options.keep_batch_norm = form.keep_batch_norm;
  options.weights = weight_form(weights);
  options.opset = opset;
  options.attention_operator = attention_operator;
  if (from) core::check_can_be_written(from->config);
  core::check_export_memory(network.module, options);
  std::vector<std::string> warnings;
  core::onnx::Model model = core::lower(network, options, &warnings);
  if (from) model.metadata = from->provenance;
  core::onnx::write_model(model, path);
  return warnings;
}

}  // namespace

void bind_export(py::module_& module) {
  const auto release = py::call_guard<py::gil_scoped_release>();
  module.def(
      "export_onnx",
      [](const Network& network, const std::string& path, const FileForm& form, const std::string& weights,
         int64_t opset, bool attention_operator, const std::shared_ptr<Quantized>& from) {
        return export_onnx(network.network(), path, form, weights, opset, attention_operator, from.get());
      },
      py::arg("network"), py::arg("path"), py::arg("form"), py::arg("weights"), py::arg("opset"),
      py::arg("attention_operator"), py::arg("from_quantized").none(true), release);
  module.def("with_tensors", [](const Network& network, const std::vector<at::Tensor>& tensors) {
    return std::make_shared<Network>(
        core::Network{network.module().clone(), network.with(tensors), network.network().wide});
  });
}

}  // namespace graftwork::python
