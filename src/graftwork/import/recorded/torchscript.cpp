#include "graftwork/import/recorded/torchscript.h"

#include <ATen/ATen.h>
#include <ATen/core/function_schema.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>

#include "graftwork/archive/zip_reader.h"
#include "graftwork/base/error.h"
#include "graftwork/base/file.h"
#include "graftwork/base/text.h"
#include "graftwork/import/captured/build_network.h"
#include "graftwork/import/recorded/script_place.h"

namespace graftwork::core {
namespace {

using torch::jit::IValue;

torch::jit::Module load_module(const std::filesystem::path& path) {
  try {
    return torch::jit::load(path.string(), at::kCPU);
  } catch (const c10::Error& error) {
    throw Error("torchscript.file", error.what_without_backtrace(), "a file that torch.jit.save has written");
  } catch (const std::exception& error) {  // what torch's compiler says of the code
    throw Error("torchscript.file", error.what(), "saving the module again, with this torch");
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

/// A tensor, or one that may be left out.
bool is_tensor(const c10::Argument& argument) {
  const auto* optional = argument.type()->castRaw<c10::OptionalType>();
  return (optional ? optional->getElementType() : argument.type())->kind() == c10::TypeKind::TensorType;
}

/// How forward is called: the stack of its arguments, some of which are the inputs.
class Call {
 public:
  explicit Call(const c10::FunctionSchema& schema)
      : arguments_(schema.arguments().begin() + 1, schema.arguments().end()) {
    for (const c10::Argument& argument : arguments_) stack_.push_back(argument.default_value().value_or(IValue()));
    slots_.resize(arguments_.size(), false);
  }

  void give(const std::string& name, const at::Tensor& tensor) {
    const size_t slot = name.empty() ? next() : find(name);
    if (!is_tensor(arguments_[slot]))
      refuse(cat(arguments_[slot].name(), " is ", arguments_[slot].type()->repr_str(), ", not a tensor"), "");
    if (slots_[slot]) refuse(cat(arguments_[slot].name(), " is given twice"), "");
    slots_[slot] = true;
    stack_[slot] = tensor;
  }

  /// Throws Error "torchscript.input" where an argument without default is not given.
  void check() const {
    for (size_t i = 0; i < arguments_.size(); ++i) {
      if (slots_[i] || arguments_[i].default_value()) continue;
      const std::string& name = arguments_[i].name();
      if (!is_tensor(arguments_[i]))
        refuse(cat("argument ", name, " of forward is ", arguments_[i].type()->repr_str()),
               "a forward that takes tensors alone");
      refuse(cat("argument ", name, " of forward is not given: the file holds no shapes"),
             cat("--input-shape ", name, "=1x3x224x224, or --example FILE.npz"));
    }
  }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (size_t i = 0; i < arguments_.size(); ++i) {
      if (slots_[i]) names.push_back(arguments_[i].name());
    }
    return names;
  }
  std::vector<at::Tensor> inputs() const {
    std::vector<at::Tensor> inputs;
    for (size_t i = 0; i < arguments_.size(); ++i) {
      if (slots_[i]) inputs.push_back(stack_[i].toTensor());
    }
    return inputs;
  }
  std::vector<IValue> with(const std::vector<at::Tensor>& inputs) const {
    std::vector<IValue> stack = stack_;
    size_t next = 0;
    for (size_t i = 0; i < stack.size(); ++i) {
      if (slots_[i]) stack[i] = inputs[next++];
    }
    return stack;
  }

 private:
  [[noreturn]] static void refuse(const std::string& what, const std::string& hint) {
    throw Error("torchscript.input", what, hint);
  }
  std::string list() const {
    std::vector<std::string> names;
    for (const c10::Argument& argument : arguments_) names.push_back(argument.name());
    return join(names);
  }
  size_t find(const std::string& name) const {
    for (size_t i = 0; i < arguments_.size(); ++i) {
      if (arguments_[i].name() == name) return i;
    }
    refuse(cat("forward has no argument ", quoted(name), ", only ", list()), "");
  }
  /// The first tensor that is not given.
  size_t next() const {
    for (size_t i = 0; i < arguments_.size(); ++i) {
      if (is_tensor(arguments_[i]) && !slots_[i]) return i;
    }
    refuse(cat("forward takes fewer tensors than are given, only ", list()), "");
  }

  std::vector<c10::Argument> arguments_;
  std::vector<IValue> stack_;
  std::vector<bool> slots_;  // which arguments are inputs
};

/// What forward gives, as tensors with names.
class Results {
 public:
  explicit Results(const IValue& value) {
    add(value, {});
    if (names.size() == 1 && names[0] == "output_0") names[0] = "output";
  }

  std::vector<at::Tensor> tensors;
  std::vector<std::string> names;

 private:
  void add(const IValue& value, const std::vector<std::string>& path) {
    if (value.isNone()) return;
    if (value.isTensor()) {
      std::string name = path.empty() ? "output" : join(path, "_");
      if (name[0] >= '0' && name[0] <= '9') name = "output_" + name;
      names.push_back(std::move(name));
      tensors.push_back(value.toTensor());
    } else if (value.isTuple()) {
      const auto& elements = value.toTupleRef().elements();
      const auto type = value.type()->cast<c10::TupleType>();
      for (size_t i = 0; i < elements.size(); ++i) add(elements[i], under(path, field(type, i)));
    } else if (value.isList()) {
      const c10::ArrayRef<IValue> elements = value.toListRef();
      for (size_t i = 0; i < elements.size(); ++i) add(elements[i], under(path, std::to_string(i)));
    } else if (value.isGenericDict()) {
      for (const auto& entry : value.toGenericDict())
        add(entry.value(), under(path, entry.key().isString() ? entry.key().toStringRef() : cat(entry.key())));
    } else {
      throw Error("capture.output", cat("forward gives ", value.type()->repr_str(), ", which is no tensor"),
                  "a forward that gives tensors, or tuples, lists and dicts of them");
    }
  }
  static std::string field(const std::shared_ptr<c10::TupleType>& type, size_t i) {
    const auto schema = type ? type->schema() : nullptr;
    return schema ? schema->arguments().at(i).name() : std::to_string(i);
  }
  static std::vector<std::string> under(std::vector<std::string> path, std::string key) {
    path.push_back(std::move(key));
    return path;
  }
};

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
  Call call(method.function().getSchema());
  for (const auto& [name, tensor] : inputs) call.give(name, tensor);
  call.check();
  // As it is written: what is compiled, fused or specialised gives other operators in every run.
  const torch::jit::GraphOptimizerEnabledGuard plain(false);
  RecordOptions options;
  options.inputs = call.names();
  options.place = recorded::script_place;
  const Forward forward = [&](const std::vector<at::Tensor>& given) {
    try {
      Results results(method(call.with(given)));
      options.outputs = std::move(results.names);
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
  LoadedNetwork loaded = record(forward, call.inputs(), parameters, others, options);
  verify_replay(loaded, forward, other_inputs(call.inputs()));
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
                  "--allow-code, where the file comes from somebody you trust");
    }
    return load(path, inputs);
  } catch (Error& error) {
    throw error.at(path.string());
  }
}

}  // namespace graftwork::core
