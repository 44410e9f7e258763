#include "graftwork/import/captured/decompose/recorder.h"

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/import/captured/records_of_torch.h"

namespace graftwork::core::captured {
namespace {

[[noreturn]] void refuse(const std::string& what) { throw Error("pt2.record", what); }

}  // namespace

void Recorder::name(const at::Tensor& tensor, std::string name) {
  alive_.push_back(tensor);
  names_[tensor.unsafeGetTensorImpl()] = std::move(name);
}

std::string Recorder::name_of(const at::Tensor& tensor) const {
  const auto found = names_.find(tensor.unsafeGetTensorImpl());
  return found == names_.end() ? std::string() : found->second;
}

void Recorder::record(const std::function<void()>& body) {
  frames_.clear();
  observe_operators(*this, body);
}

void Recorder::began(const c10::FunctionSchema& schema, c10::ArrayRef<const c10::IValue> arguments) {
  const bool inside = !frames_.empty() && frames_.back() != Frame::kOpen;
  const Symbol op = operator_of(schema);
  frames_.push_back(inside ? Frame::kInside : is_open_(op) ? Frame::kOpen : Frame::kRecorded);
  if (frames_.back() != Frame::kRecorded) return;
  call_ = Call();
  call_.op = op;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const c10::Argument& declared = schema.arguments()[i];
    if (is_default(declared, arguments[i])) continue;
    call_.inputs.push_back({declared.name(), argument(arguments[i], declared.real_type())});
  }
}

void Recorder::ended(const c10::FunctionSchema& schema, c10::ArrayRef<c10::IValue> results) {
  if (frames_.empty()) return;
  const Frame frame = frames_.back();
  frames_.pop_back();
  if (frame != Frame::kRecorded) return;
  if (!schema.is_mutable() && gives_nothing_new(results)) return;
  for (const c10::IValue& value : results) call_.outputs.push_back(result(value));
  calls.push_back(std::move(call_));
}

bool Recorder::gives_nothing_new(c10::ArrayRef<c10::IValue> outputs) const {
  for (const c10::IValue& output : outputs) {
    if (!output.isTensor() || !output.toTensor().defined() || name_of(output.toTensor()).empty()) return false;
  }
  return true;
}

Argument Recorder::result(const c10::IValue& value) {
  if (value.isTensor()) return value.toTensor().defined() ? Argument{made(value.toTensor())} : Argument{None{}};
  if (!value.isTensorList()) refuse(cat(call_.op.str(), " gives a number"));
  std::vector<TensorName> list;
  for (const at::Tensor& tensor : value.toTensorVector()) list.push_back(made(tensor));
  return {list};
}

TensorName Recorder::made(const at::Tensor& tensor) {
  const std::string result = std::to_string(made_++);
  name(tensor, result);
  tensors[result] = meta_of(tensor);
  return {result};
}

TensorName Recorder::known(const at::Tensor& tensor) const {
  std::string found = name_of(tensor);
  if (found.empty()) refuse(cat(call_.op.str(), " reads a tensor that no operator made"));
  return {std::move(found)};
}

Argument Recorder::argument(const c10::IValue& value, const c10::TypePtr& type) const {
  Argument made = record_of(value, type, [&](const at::Tensor& tensor) -> Argument {
    const bool is_number = tensor.dim() == 0 && tensor.device().is_cpu() && name_of(tensor).empty();
    if (is_number) return number_in(tensor);
    return {known(tensor)};
  });
  if (made.is<Unsupported>()) refuse(cat(call_.op.str(), " takes an argument that a program has no form for"));
  return made;
}

}  // namespace graftwork::core::captured
