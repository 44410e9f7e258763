#include "graftwork/import/recorded/torchscript.h"

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>

#include "graftwork/archive/zip_reader.h"
#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/base/text.h"
#include "graftwork/import/captured/build_network.h"
#include "graftwork/import/recorded/kept_random_numbers.h"
#include "graftwork/import/recorded/script_call.h"
#include "graftwork/import/recorded/script_place.h"

namespace graftwork::core {
namespace {

/// Torch's words for a file that it cannot read: a check of its own that failed is no defect to report.
std::string why_unreadable(const c10::Error& error) {
  const std::string message = error.what_without_backtrace();
  if (message.find("INTERNAL ASSERT FAILED") != std::string::npos) return "its code or its data are damaged";
  return message.substr(0, message.find("  (Could this error message be improved?"));
}

torch::jit::Module load_module(const std::filesystem::path& path) {
  try {
    return torch::jit::load(path.string(), at::kCPU);
  } catch (const c10::Error& error) {
    throw Error("torchscript.file", why_unreadable(error), "a file that torch.jit.save has written");
  } catch (const std::exception& error) {  // what torch's compiler says of the code
    throw Error("torchscript.file", error.what(),
                "saving the module again with this torch, not optimized for inference");
  }
}

/// The last line: what is in front of it are torch's traces of the code.
std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

[[noreturn]] void fail_in_forward(const std::string& message) {
  throw Error("torchscript.forward", last_line(message), "inputs that forward takes");
}

/// Parameters, and all other tensors that modules have.
std::pair<NamedTensors, NamedTensors> tensors_of(const torch::jit::Module& module) {
  std::pair<NamedTensors, NamedTensors> named;
  for (const auto& parameter : module.named_parameters()) named.first.emplace_back(parameter.name, parameter.value);
  for (const auto& attribute : module.named_attributes()) {
    const auto is_it = [&](const auto& parameter) { return parameter.first == attribute.name; };
    if (attribute.value.isTensor() && std::none_of(named.first.begin(), named.first.end(), is_it))
      named.second.emplace_back(attribute.name, attribute.value.toTensor());
  }
  return named;
}

LoadedNetwork load(const std::filesystem::path& path, const NamedTensors& inputs) {
  torch::jit::Module module = load_module(path);
  if (!module.find_method("forward")) throw Error("torchscript.file", "the module has no forward", "");
  const torch::jit::Method method = module.get_method("forward");
  recorded::ScriptCall call(method.function().getSchema());
  for (const auto& [name, tensor] : inputs) call.give(name, tensor);
  call.check();
  // As it is written: what is compiled, fused or specialised gives other operators in every run.
  const torch::jit::GraphOptimizerEnabledGuard plain(false);
  RecordOptions options;
  options.inputs = call.names();
  options.place = recorded::script_place;
  const Forward forward = [&](const std::vector<at::Tensor>& given) {
    try {
      recorded::ScriptResults results = recorded::results_of(method(call.with(given)));
      options.outputs = std::move(results.names);  // which `record` asks for when it has run
      return std::move(results.tensors);
    } catch (const c10::Error& error) {
      fail_in_forward(error.what_without_backtrace());
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {  // what the code raises
      fail_in_forward(error.what());
    }
  };
  const auto [parameters, others] = tensors_of(module);
  KeptRandomNumbers random_numbers(call.inputs());
  LoadedNetwork loaded = record(forward, call.inputs(), parameters, others, options);
  if (loaded.unsupported.empty()) verify_replay(loaded, forward, other_inputs(call.inputs()), others);
  if (!loaded.draws) random_numbers.nothing_was_drawn();
  return loaded;
}

}  // namespace

bool is_torchscript(const std::filesystem::path& path) {
  try {
    const ZipReader zip(std::make_shared<const MappedFile>(path));
    // Everything lies in one folder of any name.
    return std::ranges::any_of(
        zip.names(), [](std::string_view name) { return name.substr(name.find('/') + 1) == "constants.pkl"; });
  } catch (const Error&) {
    return false;  // whoever opens it says what it is
  }
}

LoadedNetwork load_torchscript(const std::filesystem::path& path, const NamedTensors& inputs,
                               const TorchScriptOptions& options) {
  try {
    if (!options.allow_code) {
      throw Error("torchscript.code", "the file is TorchScript: loading it runs the code that it holds",
                  "allowing that, where the file comes from somebody you trust");
    }
    // torch compares no checksums.
    ZipReader(std::make_shared<const MappedFile>(path)).check_entries();
    return load(path, inputs);
  } catch (Error& error) {
    throw error.at(path.string());
  } catch (const c10::Error& error) {  // what loading has left for later
    throw Error("torchscript.file", why_unreadable(error), "a file that torch.jit.save has written").at(path.string());
  }
}

}  // namespace graftwork::core
