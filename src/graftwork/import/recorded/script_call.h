// What TorchScript's forward takes and gives.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/function_schema.h>

#include <string>
#include <vector>

namespace graftwork::core::recorded {

/// The arguments of forward, some of which are inputs of the network; the others keep their defaults.
class ScriptCall {
 public:
  /// Of a method: its first argument is the module.
  explicit ScriptCall(const c10::FunctionSchema& schema);

  /// Makes an argument an input: the one called `name`, or, without a name, the next tensor. Throws Error
  /// "torchscript.input" where there is no such tensor, or it is given already.
  void give(const std::string& name, const at::Tensor& tensor);
  /// Throws Error "torchscript.example" where a tensor without default is not given, "torchscript.input" for others.
  void check() const;

  /// Of the inputs, in the order of forward's arguments.
  std::vector<std::string> names() const;
  std::vector<at::Tensor> inputs() const;
  /// All arguments, with these inputs in the place of those that were given.
  std::vector<c10::IValue> with(const std::vector<at::Tensor>& inputs) const;

 private:
  std::string list() const;
  size_t find(const std::string& name) const;
  size_t next() const;

  std::vector<c10::Argument> arguments_;
  std::vector<c10::IValue> values_;
  std::vector<bool> is_input_;
};

/// Tensors in tuples, lists and dicts, and a name for each: its path, "boxes_0", or "output_0" where that begins with a
/// number. A single result without a path is "output". Never twice the same.
struct ScriptResults {
  std::vector<at::Tensor> tensors;
  std::vector<std::string> names;
};

/// Throws Error "capture.output" for what is no tensor; None is left out.
ScriptResults results_of(const c10::IValue& value);

}  // namespace graftwork::core::recorded
