// Quantization by a loop of the caller: each batch is run, observed and forgotten.
#include <pybind11/stl.h>

#include <optional>
#include <thread>

#include "bindings/bindings.h"
#include "bindings/file_form.h"
#include "bindings/quantized.h"
#include "graftwork/ir/text/parse.h"
#include "graftwork/ir/text/print.h"
#include "graftwork/place/plan_file.h"
#include "graftwork/place/quant_config_text.h"
#include "graftwork/quant/half_regions.h"
#include "graftwork/quant/pushed/pushed_quantization.h"

namespace graftwork::python {
namespace {

namespace py = pybind11;

/// Ctrl-C: only the thread that Python waits in may ask, and the KeyboardInterrupt ends the work of all.
bool is_interrupted(std::thread::id caller) {
  if (std::this_thread::get_id() != caller) return false;
  const py::gil_scoped_acquire acquire;
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  return false;
}

/// What a recipe and a network make of data.
class Calibration {
 public:
  Calibration(NetworkHandle network, const std::vector<at::Tensor>& tensors, const std::string& recipe, FileForm form,
              const std::optional<std::string>& plan, int64_t memory_limit)
      : network_(std::move(network)), form_(form), config_(core::parse_quant_config(recipe)) {
    core::QuantizeOptions options;
    options.float_type = form.float_type;
    options.keep_batch_norm = form.keep_batch_norm;
    options.calibration.interrupted = [caller = std::this_thread::get_id()] { return is_interrupted(caller); };
    options.calibration.memory_limit = memory_limit;
    if (plan) options.plan = core::parse_plan(*plan).stubs;
    const at::NoGradGuard no_grad;
    const core::Network given{network_->module().clone(), network_->with(tensors), network_->network().wide};
    work_ = std::make_unique<core::PushedQuantization>(given, config_, options);
  }

  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) {
    const at::NoGradGuard no_grad;
    return work_->run(inputs);
  }
  int64_t samples() const { return work_->samples(); }

  /// The quantized network, and what there is to report.
  std::pair<std::shared_ptr<Quantized>, core::QuantizationResult> finish() {
    const at::NoGradGuard no_grad;
    core::QuantizationResult result = work_->finish();
    auto made = std::make_shared<Quantized>();
    made->network = std::make_shared<Network>(result.network.clone());
    made->plan = result.plan;
    made->config = config_;
    made->form = form_;
    made->provenance = result.provenance;
    return {std::move(made), std::move(result)};
  }

 private:
  NetworkHandle network_;
  FileForm form_;
  core::QuantConfig config_;
  std::unique_ptr<core::PushedQuantization> work_;
};

std::vector<std::string> texts_of(const std::vector<core::Symbol>& symbols) {
  std::vector<std::string> texts;
  for (const core::Symbol symbol : symbols) texts.push_back(symbol.str());
  return texts;
}

/// Between which layers differences of channels moved, by which method, and what was left as it is and why.
py::list rescaled(const core::QuantizationResult& result) {
  using namespace py::literals;
  py::list found;
  const auto add = [&](const char* by, const core::Symbol& source, const std::vector<core::Symbol>& readers,
                       const std::string& refusal) {
    found.append(
        py::dict("by"_a = by, "source"_a = source.str(), "readers"_a = texts_of(readers), "refusal"_a = refusal));
  };
  for (const core::SmoothedPair& pair : result.smoothing) add("smooth_quant", pair.source, pair.readers, pair.refusal);
  for (const core::EqualizedPair& pair : result.equalized)
    add("cross_layer_equalization", pair.source, pair.readers, pair.refusal);
  for (const core::DividedTensor& divided : result.divided)
    add("outlier_channels", divided.source.empty() ? divided.tensor : divided.source, divided.readers, {});
  return found;
}

/// By the path of the norm or layer whose differences between channels moved.
std::map<std::string, at::Tensor> channel_amax(const core::QuantizationResult& result) {
  std::map<std::string, at::Tensor> measured;
  for (const core::SmoothedPair& pair : result.smoothing) {
    if (pair.channel_amax.defined()) measured.emplace(pair.source.str(), pair.channel_amax);
  }
  return measured;
}

/// Plain numbers and texts, and what was measured of channels; other tensors are named.
py::dict facts_of(const core::QuantizationResult& result) {
  using namespace py::literals;
  py::list wide;
  for (const core::WideRegion& region : core::wide_regions(result.network))
    wide.append(py::dict("nodes"_a = region.nodes, "reasons"_a = region.reasons));
  return py::dict("plan"_a = core::plan_text({std::nullopt, result.plan}), "samples"_a = result.samples,
                  "method"_a = core::name_of(result.method), "weight_method"_a = core::name_of(result.weight_method),
                  "corrected_biases"_a = result.corrected_biases, "rounded_weights"_a = result.rounded_weights,
                  "warnings"_a = result.warnings, "fp32_regions"_a = wide,
                  "scales"_a = core::scale_table_text(result.scales), "constants"_a = result.factors,
                  "rescaled"_a = rescaled(result), "channel_amax"_a = channel_amax(result));
}

core::Network network_now(const Quantized& quantized, const std::vector<at::Tensor>& tensors,
                          const std::map<std::string, at::Tensor>& scales, const std::set<std::string>& following,
                          const FileForm& form) {
  return quantized.with(tensors, {scales, following}, form);
}

/// What a Quantized consists of: graph, tensors, nodes in FP32, plan, recipe, form, provenance.
using State = std::tuple<std::string, std::map<std::string, at::Tensor>, core::WideNodes, std::string, std::string,
                         std::string, bool, std::vector<std::pair<std::string, std::string>>>;

State state_of(const Quantized& made) {
  std::map<std::string, at::Tensor> tensors;
  for (const std::string& name : made.network->names())
    tensors.emplace(name, made.network->network().tensors.at(core::Symbol(name)));
  return {core::print(made.network->module()),
          std::move(tensors),
          made.network->network().wide,
          core::plan_text({std::nullopt, made.plan}),
          core::quant_config_text(made.config),
          name_of(made.form),
          made.form.keep_batch_norm,
          made.provenance};
}

std::shared_ptr<Quantized> quantized_of(const State& state) {
  const auto& [graph, tensors, wide, plan, recipe, float_type, keep_batch_norm, provenance] = state;
  core::Network network{core::parse(graph, "network", core::get_backend()->kinds), {}, wide};
  for (const auto& [name, tensor] : tensors) network.tensors.set(core::Symbol(name), tensor);
  auto made = std::make_shared<Quantized>();
  made->network = std::make_shared<Network>(std::move(network));
  made->plan = *core::parse_plan(plan).stubs;
  made->config = core::parse_quant_config(recipe);
  made->form = file_form(float_type, keep_batch_norm);
  made->provenance = provenance;
  return made;
}

}  // namespace

void bind_quantize(py::module_& module) {
  const auto release = py::call_guard<py::gil_scoped_release>();
  py::class_<FileForm>(module, "FileForm")
      .def(py::init(&file_form), py::arg("float_type"), py::arg("keep_batch_norm"))
      .def_property_readonly("float_type", [](const FileForm& form) { return name_of(form); })
      .def_readonly("keep_batch_norm", &FileForm::keep_batch_norm);
  py::class_<Calibration>(module, "Calibration")
      .def(py::init<NetworkHandle, const std::vector<at::Tensor>&, const std::string&, FileForm,
                    const std::optional<std::string>&, int64_t>(),
           py::arg("network"), py::arg("tensors"), py::arg("recipe"), py::arg("form"), py::arg("plan"),
           py::arg("memory_limit"))
      .def_property_readonly("samples", &Calibration::samples)
      .def("run", &Calibration::run, release)
      .def("finish", [](Calibration& calibration) {
        const auto [made, result] = [&] {
          const py::gil_scoped_release unlocked;
          return calibration.finish();
        }();
        return py::make_tuple(made, facts_of(result));
      });
  py::class_<Quantized, std::shared_ptr<Quantized>>(module, "Quantized")
      .def_readonly("network", &Quantized::network)
      .def_readonly("form", &Quantized::form)
      .def_property_readonly("plan", [](const Quantized& made) { return made.plan.text(); })
      .def_property_readonly("plan_json",
                             [](const Quantized& made) { return core::plan_text({std::nullopt, made.plan}); })
      .def(
          "network_now",
          [](const Quantized& made, const std::vector<at::Tensor>& tensors,
             const std::map<std::string, at::Tensor>& scales, const std::set<std::string>& following,
             const FileForm& form) {
            return std::make_shared<Network>(network_now(made, tensors, scales, following, form));
          },
          release)
      .def(py::pickle(&state_of, &quantized_of))
      .def_property_readonly("learnable_stubs", &Quantized::learnable_stubs)
      .def("weight_scales",
           [](const Quantized& made, const Network& network) { return made.weight_scales(network.network()); });
}

}  // namespace graftwork::python
