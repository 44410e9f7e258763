// Records what torch's dispatcher is asked to run, as calls of a captured program.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "graftwork/import/captured/observe_operators.h"
#include "graftwork/import/captured/program.h"

namespace graftwork::core::captured {

/// Calls of operators while `record` runs. Tensors are known by their identity: those that a recording reads have to be
/// named before, or made by an operator that it has seen.
class Recorder final : public OperatorObserver {
 public:
  /// Whether an operator is recorded by the operators that it calls instead of as itself.
  using IsOpen = std::function<bool(Symbol op)>;

  explicit Recorder(IsOpen is_open) : is_open_(std::move(is_open)) {}

  /// Gives a tensor the name by which calls shall read it.
  void name(const at::Tensor& tensor, std::string name);
  /// Its name; empty when the tensor is not known.
  std::string name_of(const at::Tensor& tensor) const;

  /// Runs `body` and records this thread's calls. Throws what it throws; Error "pt2.record" where an operator reads a
  /// tensor that nobody named, or takes an argument that has no form in a program.
  void record(const std::function<void()>& body);

  /// In order; their results are called "0", "1", ... and have no provenance.
  std::vector<Call> calls;
  NameMap<TensorMeta> tensors;

 private:
  void began(const c10::FunctionSchema& schema, c10::ArrayRef<const c10::IValue> arguments) override;
  void ended(const c10::FunctionSchema& schema, c10::ArrayRef<c10::IValue> results) override;
  Argument argument(const c10::IValue& value, const c10::TypePtr& type) const;
  TensorName known(const at::Tensor& tensor) const;
  /// Whether every result is a tensor that was there before: a conversion to the type that it has.
  bool gives_nothing_new(c10::ArrayRef<c10::IValue> outputs) const;
  Argument result(const c10::IValue& value);
  TensorName made(const at::Tensor& tensor);

  /// What an operator that is being run is for the recording.
  enum class Frame : uint8_t { kOpen, kRecorded, kInside };

  IsOpen is_open_;
  std::vector<Frame> frames_;
  Call call_;
  std::vector<at::Tensor> alive_;  // so that no other tensor gets the address of one
  std::unordered_map<const c10::TensorImpl*, std::string> names_;
  size_t made_ = 0;
};

}  // namespace graftwork::core::captured
