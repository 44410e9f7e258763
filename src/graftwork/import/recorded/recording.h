// A captured program while it is being recorded.
#pragma once

#include <ATen/ATen.h>

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "graftwork/import/captured/observe_operators.h"
#include "graftwork/import/captured/program.h"
#include "graftwork/import/common/unique_names.h"
#include "graftwork/import/recorded/record.h"
#include "graftwork/nn/tensor_store.h"

namespace graftwork::core::recorded {

/// Tensors are known by their identity. None is kept alive, so that recording takes no more memory than running.
class Recording final : public captured::OperatorObserver {
 public:
  explicit Recording(const RecordOptions& options) : options_(options) {}

  /// Before anything is observed: inputs first, then what the module has. Tensors that are the same memory, seen in
  /// the same way, are one. Throws Error "capture.input".
  void add_inputs(const std::vector<at::Tensor>& inputs);
  void add_stored(const NamedTensors& stored, bool are_trainable);

  /// When nothing is observed any more: the program, complete. Throws Error "capture.output" for a result that is no
  /// plain tensor, Error "capture.alias" when something was written to memory that several tensors share which no
  /// operator has made: what the others hold then has no form in a program.
  captured::Program finish(const std::vector<at::Tensor>& results);

  TensorStore tensors;
  /// What is fixed as it was, each with its place; when it is finished.
  std::vector<std::string> warnings;
  /// Whether an operator may have drawn random numbers.
  bool draws = false;

 private:
  void began(const c10::FunctionSchema& schema, c10::ArrayRef<const c10::IValue> arguments) override;
  void ended(const c10::FunctionSchema& schema, c10::ArrayRef<c10::IValue> results) override;

  /// What an operator that is being run is for the recording.
  enum class Frame : uint8_t {
    kRecorded,
    kOpen,    ///< Those that it calls are recorded in its place: it casts, or is made of others.
    kInside,  ///< Part of one that is recorded.
  };
  Frame frame_of(const c10::FunctionSchema& schema) const;
  void begin_call(const c10::FunctionSchema& schema, c10::ArrayRef<const c10::IValue> arguments);
  void end_call(const c10::FunctionSchema& schema, c10::ArrayRef<c10::IValue> results);

  /// What a call reads as its argument `argument`.
  captured::Argument read(const at::Tensor& tensor, const std::string& argument);
  captured::Argument made(const c10::IValue& value, bool is_only);
  std::string name_of(const at::Tensor& tensor, const std::string& wanted);
  /// Null when the tensor is a new one.
  const std::string* known_name(const at::Tensor& tensor);
  void name(const at::Tensor& tensor, const std::string& value);
  void keep_address(const at::Tensor& tensor);
  void store(const at::Tensor& tensor, const std::string& name, bool is_trainable, const std::string& value);
  void add_constant(const at::Tensor& tensor, const std::string& wanted);
  void add_zeros(const at::Tensor& tensor);
  void own(const at::Tensor& tensor, const std::string& name);
  void check_aliases() const;
  void make_warnings();

  /// That a call's results do not follow the inputs.
  struct Fixed {
    captured::Call call;
    std::string why;
  };

  const RecordOptions& options_;
  captured::Program program_;
  UniqueNames values_;
  std::vector<Frame> frames_;
  captured::Call call_;
  bool depends_ = false;  // whether call_ reads what depends on the inputs
  std::vector<Fixed> fixed_;
  std::unordered_map<const c10::TensorImpl*, std::string> names_;
  std::unordered_map<std::string, std::string> by_place_;  // names by how the tensor lies in memory
  // Nothing else gets the address of something that these refer to, alive or not.
  std::vector<c10::weak_intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>> tensors_seen_;
  std::vector<c10::weak_intrusive_ptr<c10::StorageImpl>> memory_seen_;
  std::unordered_map<std::string, std::string> stored_;               // by how it lies in memory: its name in the store
  std::unordered_set<std::string> constants_;                         // values
  std::unordered_set<const c10::TensorImpl*> blank_;                  // made without values, and read by nothing yet
  std::unordered_set<const void*> dependent_;                         // memory that the inputs have a part in
  std::unordered_map<const void*, std::vector<std::string>> owners_;  // of memory that no operator has made
  std::vector<std::pair<const void*, captured::Call>> writes_;        // to memory
};

}  // namespace graftwork::core::recorded
