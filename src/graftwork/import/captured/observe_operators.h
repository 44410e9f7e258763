// What torch's dispatcher is asked to run, as it happens.
#pragma once

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>

#include <functional>

namespace graftwork::core::captured {

/// Is told of every operator that its thread calls, those that operators call in turn included. What it does itself is
/// not observed.
class OperatorObserver {
 public:
  virtual ~OperatorObserver() = default;
  /// `arguments` are those of the schema, in its order.
  virtual void began(const c10::FunctionSchema& schema, c10::ArrayRef<const c10::IValue> arguments) = 0;
  /// `results` are those of the schema; fewer when the operator has thrown.
  virtual void ended(const c10::FunctionSchema& schema, c10::ArrayRef<c10::IValue> results) = 0;
};

/// Runs `body`, without gradients, while `observer` is told of this thread's operators. Leaves nothing behind. Throws
/// what `body` throws, else what the observer has thrown: from then on it is told of nothing. Inside of another
/// observation that one is told of nothing until this one ends.
void observe_operators(OperatorObserver& observer, const std::function<void()>& body);

/// While it lives, no observation around it is told of what this thread runs.
class Unobserved {
 public:
  Unobserved();
  ~Unobserved();
  Unobserved(const Unobserved&) = delete;
  Unobserved& operator=(const Unobserved&) = delete;

 private:
  OperatorObserver* const observer_;
};

}  // namespace graftwork::core::captured
