// One operator of the graph, made ready to be called through torch's dispatcher.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "graftwork/ir/attribute.h"
#include "graftwork/nn/argument_checks.h"
#include "graftwork/nn/operator_parts.h"

namespace graftwork::core {

/// The dispatcher's handle of "aten.conv2d.default"; nothing when this torch does not know the operator, or when it
/// reaches files, other processes or devices. Which of them a network may call says runnable_operators.h.
std::optional<c10::OperatorHandle> find_operator(Symbol op);

/// A number in a tensor's place, which takes no part in type promotion as a tensor would.
at::Tensor wrapped_number(const c10::Scalar& number);

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

  /// What the operator is called with, in the order of its schema. Throws Error "nn.operator" where an input is not of
  /// the kind that the argument is.
  torch::jit::Stack arguments(const std::vector<const c10::IValue*>& inputs, c10::Device device) const;

  /// The single result, or a tuple of them (also for operators that return a list). Throws Error "nn.operator" for an
  /// operator that no network may call, and for arguments on which it must not run (argument_checks.h); on the device
  /// "meta", where nothing but shapes is computed, any may be called.
  c10::IValue run(const std::vector<const c10::IValue*>& inputs, c10::Device device) const;

 private:
  /// What a kernel takes an argument for without asking.
  enum class Holds : uint8_t { kTensor, kOptionalTensor, kInteger, kReal, kTruth, kNumber };
  struct FromInput {
    size_t slot;
    Holds holds;
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
  FromInput from_input(const c10::TypePtr& declared, size_t slot) const;
  /// The input as a kernel takes it.
  c10::IValue taken(const c10::IValue& input, Holds holds) const;
  c10::IValue constant(const c10::TypePtr& type, const Attribute& attr, const std::string& name) const;

  Symbol op_;
  c10::OperatorHandle handle_;
  std::vector<Source> sources_;
  std::optional<size_t> device_argument_;
  ArgumentCheck check_;
  OperatorParts parts_;
  bool may_run_;
};

/// What `run` takes.
std::vector<const c10::IValue*> pointers_to(const std::vector<c10::IValue>& values);
/// What it gives, one by one.
std::vector<c10::IValue> results_in(const c10::IValue& result);

}  // namespace graftwork::core
