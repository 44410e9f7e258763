// One operator of the graph, made ready to be called through torch's dispatcher.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "graftwork/ir/attribute.h"

namespace graftwork::core {

/// The dispatcher's handle of "aten.conv2d.default"; nothing when this torch does not know the operator, or when it is
/// one that no network may call: those that reach files, other processes or devices.
std::optional<c10::OperatorHandle> find_operator(Symbol op);

/// Whether a call may give `attr` for the argument, as far as its kind goes: a text is no number, a list no integer.
bool admits(const c10::Argument& argument, const Attribute& attr);

/// An operator with its constants in place. Immutable; safe to run from many threads.
///
/// How a node's inputs meet the schema: tensor arguments take the node's inputs in order, except those
/// that an attribute names: `none` leaves the argument out, a number becomes a wrapped scalar tensor, and
/// `$k` refers to input k (also inside lists). A list of tensors without attribute takes all inputs left.
class OperatorCall {
 public:
  /// Throws Error "nn.operator" when torch does not know the operator or an attribute does not fit its schema.
  OperatorCall(Symbol op, const AttrMap& attrs, size_t input_count);

  /// What the operator is called with, in the order of its schema.
  torch::jit::Stack arguments(const std::vector<const c10::IValue*>& inputs, c10::Device device) const;

  /// The single result, or a tuple of them (also for operators that return a list).
  c10::IValue run(const std::vector<const c10::IValue*>& inputs, c10::Device device) const;

 private:
  struct FromInput {
    size_t slot;
    bool as_tensor = false;  ///< A run-time number must become a tensor.
  };
  struct FromList;
  using Source = std::variant<c10::IValue, FromInput, FromList>;
  struct FromList {
    c10::TypePtr element;
    std::vector<std::variant<c10::IValue, FromInput>> parts;
  };

  /// A view needs its operand in memory as it was at export; where a rewrite has changed that, it reads a copy.
  void make_viewable(torch::jit::Stack& stack) const;
  Source bind(const c10::Argument& argument, const Attribute& attr) const;
  c10::IValue constant(const c10::TypePtr& type, const Attribute& attr, const std::string& name) const;

  Symbol op_;
  c10::OperatorHandle handle_;
  std::vector<Source> sources_;
  std::optional<size_t> device_argument_;
};

/// What `run` takes.
std::vector<const c10::IValue*> pointers_to(const std::vector<c10::IValue>& values);
/// What it gives, one by one.
std::vector<c10::IValue> results_in(const c10::IValue& result);

}  // namespace graftwork::core
