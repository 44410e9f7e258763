#include "graftwork/import/recorded/script_call.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/import/common/unique_names.h"

namespace graftwork::core::recorded {
namespace {

[[noreturn]] void refuse(const std::string& what, const std::string& hint = {}) {
  throw Error("torchscript.input", what, hint);
}

/// A tensor, or one that may be left out.
bool is_tensor(const c10::Argument& argument) {
  const auto* optional = argument.type()->castRaw<c10::OptionalType>();
  return (optional ? optional->getElementType() : argument.type())->kind() == c10::TypeKind::TensorType;
}

using Path = std::vector<std::string>;

Path under(Path path, std::string key) {
  path.push_back(std::move(key));
  return path;
}

/// Of a named tuple the name, else the number.
std::string field(const std::shared_ptr<c10::TupleType>& type, size_t i) {
  const auto schema = type ? type->schema() : nullptr;
  return schema ? schema->arguments().at(i).name() : std::to_string(i);
}

class Collector {
 public:
  void add(const c10::IValue& value, const Path& path) {
    if (value.isNone()) return;
    if (value.isTensor()) {
      add_tensor(value.toTensor(), join(path, "_"));
    } else if (value.isTuple()) {
      const auto& elements = value.toTupleRef().elements();
      const auto type = value.type()->cast<c10::TupleType>();
      for (size_t i = 0; i < elements.size(); ++i) add(elements[i], under(path, field(type, i)));
    } else if (value.isList()) {
      const c10::ArrayRef<c10::IValue> elements = value.toListRef();
      for (size_t i = 0; i < elements.size(); ++i) add(elements[i], under(path, std::to_string(i)));
    } else if (value.isGenericDict()) {
      for (const auto& entry : value.toGenericDict())
        add(entry.value(), under(path, entry.key().isString() ? entry.key().toStringRef() : cat(entry.key())));
    } else {
      throw Error("capture.output", cat("forward gives ", value.type()->repr_str(), ", which is no tensor"),
                  "a forward that gives tensors, or tuples, lists and dicts of them");
    }
  }

  ScriptResults found;

 private:
  void add_tensor(const at::Tensor& tensor, const std::string& path) {
    const bool begins_with_number = !path.empty() && '0' <= path[0] && path[0] <= '9';
    found.names.push_back(taken_.make(path.empty() ? "output" : begins_with_number ? "output_" + path : path));
    found.tensors.push_back(tensor);
  }

  UniqueNames taken_;
};

}  // namespace

ScriptCall::ScriptCall(const c10::FunctionSchema& schema)
    : arguments_(schema.arguments().begin() + 1, schema.arguments().end()), is_input_(arguments_.size(), false) {
  for (const c10::Argument& argument : arguments_) values_.push_back(argument.default_value().value_or(c10::IValue()));
}

void ScriptCall::give(const std::string& name, const at::Tensor& tensor) {
  const size_t i = name.empty() ? next() : find(name);
  if (!is_tensor(arguments_[i]))
    refuse(cat(arguments_[i].name(), " is ", arguments_[i].type()->repr_str(), ", not a tensor"));
  if (is_input_[i]) refuse(cat(arguments_[i].name(), " is given twice"));
  is_input_[i] = true;
  values_[i] = tensor;
}

void ScriptCall::check() const {
  for (size_t i = 0; i < arguments_.size(); ++i) {
    if (is_input_[i] || arguments_[i].default_value()) continue;
    const std::string& name = arguments_[i].name();
    if (!is_tensor(arguments_[i])) {
      refuse(cat("argument ", name, " of forward is ", arguments_[i].type()->repr_str()),
             "a forward that takes tensors alone");
    }
    throw Error("torchscript.example", cat("argument ", name, " of forward is not given: the file holds no shapes"),
                "an example of it");
  }
}

std::vector<std::string> ScriptCall::names() const {
  std::vector<std::string> names;
  for (size_t i = 0; i < arguments_.size(); ++i) {
    if (is_input_[i]) names.push_back(arguments_[i].name());
  }
  return names;
}

std::vector<at::Tensor> ScriptCall::inputs() const {
  std::vector<at::Tensor> inputs;
  for (size_t i = 0; i < arguments_.size(); ++i) {
    if (is_input_[i]) inputs.push_back(values_[i].toTensor());
  }
  return inputs;
}

std::vector<c10::IValue> ScriptCall::with(const std::vector<at::Tensor>& inputs) const {
  std::vector<c10::IValue> values = values_;
  size_t next_input = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (is_input_[i]) values[i] = inputs.at(next_input++);
  }
  return values;
}

std::string ScriptCall::list() const {
  Path names;
  for (const c10::Argument& argument : arguments_) names.push_back(argument.name());
  return join(names);
}

size_t ScriptCall::find(const std::string& name) const {
  for (size_t i = 0; i < arguments_.size(); ++i) {
    if (arguments_[i].name() == name) return i;
  }
  refuse(cat("forward has no argument ", quoted(name), ", only ", list()));
}

/// The first tensor that is not given.
size_t ScriptCall::next() const {
  for (size_t i = 0; i < arguments_.size(); ++i) {
    if (is_tensor(arguments_[i]) && !is_input_[i]) return i;
  }
  refuse(cat("forward takes fewer tensors than are given, only ", list()));
}

ScriptResults results_of(const c10::IValue& value) {
  Collector collector;
  collector.add(value, {});
  ScriptResults& found = collector.found;
  if (found.names.size() == 1 && found.names[0] == "output_0") found.names[0] = "output";
  return std::move(found);
}

}  // namespace graftwork::core::recorded
