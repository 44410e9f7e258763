#include "graftwork/import/captured/decompose/recorder.h"

#include <ATen/record_function.h>

#include <exception>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/nn/dtypes.h"

namespace graftwork::core::captured {
namespace {

/// The recording of this thread, and what went wrong in it: torch only warns of what a callback throws.
struct Session {
  Recorder* recorder = nullptr;
  std::exception_ptr failure;
};

thread_local Session session;

[[noreturn]] void refuse(const std::string& what) { throw Error("pt2.record", what); }

Symbol symbol_of(const c10::FunctionSchema& schema) {
  std::string name = schema.name();
  name.replace(name.find("::"), 2, ".");
  return cat(name, ".", schema.overload_name().empty() ? "default" : schema.overload_name());
}

ElementType element_type_of(at::ScalarType type) {
  if (const auto known = from_torch(type)) return {.known = known, .other = {}};
  ElementType other{.known = {}, .other = c10::toString(type)};
  if (c10::isComplexType(type)) other.parts = from_torch(c10::toRealValueType(type));
  return other;
}

TensorMeta meta_of(const at::Tensor& tensor) {
  TensorMeta meta;
  meta.dtype = element_type_of(tensor.scalar_type());
  for (const int64_t size : tensor.sizes()) meta.sizes.emplace_back(size);
  if (!tensor.is_sparse()) {
    for (const int64_t stride : tensor.strides()) meta.strides.emplace_back(stride);
  }
  return meta;
}

bool same(const c10::IValue& a, const c10::IValue& b) {
  if (a.isTensor() || b.isTensor()) return false;
  if (a.isNone() || b.isNone()) return a.isNone() && b.isNone();
  if (a.isBool() && b.isBool()) return a.toBool() == b.toBool();
  if (a.isScalar() && b.isScalar()) return a.tagKind() == b.tagKind() && a.toScalar().equal(b.toScalar().toDouble());
  return a.tagKind() == b.tagKind() && a == b;
}

c10::TypePtr without_optional(const c10::TypePtr& type) {
  const auto* optional = type->castRaw<c10::OptionalType>();
  return optional ? optional->getElementType() : type;
}

}  // namespace

/// What torch calls. It knows the functions, not the recorder.
struct Callbacks {
  template <class Body>
  static void guarded(const Body& body) {
    if (!session.recorder || session.failure) return;
    try {
      body(*session.recorder);
    } catch (...) {
      session.failure = std::current_exception();
    }
  }

  static std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction& function) {
    const auto schema = function.operator_schema();
    if (!schema) return nullptr;
    guarded([&](Recorder& recorder) { recorder.begin(*schema, function.inputs()); });
    return nullptr;
  }

  static void end(const at::RecordFunction& function, at::ObserverContext* /*context*/) {
    const auto schema = function.operator_schema();
    if (!schema) return;
    guarded([&](Recorder& recorder) { recorder.end(*schema, function.outputs()); });
  }
};

void Recorder::name(const at::Tensor& tensor, std::string name) {
  alive_.push_back(tensor);
  names_[tensor.unsafeGetTensorImpl()] = std::move(name);
}

std::string Recorder::name_of(const at::Tensor& tensor) const {
  const auto found = names_.find(tensor.unsafeGetTensorImpl());
  return found == names_.end() ? std::string() : found->second;
}

void Recorder::record(const std::function<void()>& body) {
  const at::NoGradGuard no_grad;
  frames_.clear();
  session = {.recorder = this, .failure = nullptr};
  const auto handle = at::addThreadLocalCallback(at::RecordFunctionCallback(Callbacks::begin, Callbacks::end)
                                                     .needsInputs(true)
                                                     .needsOutputs(true)
                                                     .scopes({at::RecordScope::FUNCTION}));
  std::exception_ptr thrown;
  try {
    body();
  } catch (...) {
    thrown = std::current_exception();
  }
  at::removeCallback(handle);
  const std::exception_ptr failure = session.failure;
  session = {};
  if (failure) std::rethrow_exception(failure);
  if (thrown) std::rethrow_exception(thrown);
}

void Recorder::begin(const c10::FunctionSchema& schema, c10::ArrayRef<const c10::IValue> inputs) {
  const bool inside = !frames_.empty() && frames_.back() != Frame::kOpen;
  const Symbol op = symbol_of(schema);
  frames_.push_back(inside ? Frame::kInside : is_open_(op) ? Frame::kOpen : Frame::kRecorded);
  if (frames_.back() != Frame::kRecorded) return;
  call_ = Call();
  call_.op = op;
  const std::vector<c10::Argument>& arguments = schema.arguments();
  // A boxed call shows its whole stack: the arguments are the last of it.
  if (inputs.size() > arguments.size()) inputs = inputs.slice(inputs.size() - arguments.size());
  for (size_t i = 0; i < arguments.size() && i < inputs.size(); ++i) {
    const auto& fallback = arguments[i].default_value();
    if (fallback && same(*fallback, inputs[i])) continue;
    call_.inputs.push_back({arguments[i].name(), argument(inputs[i], arguments[i].real_type())});
  }
}

void Recorder::end(const c10::FunctionSchema& schema, c10::ArrayRef<c10::IValue> outputs) {
  if (frames_.empty()) return;
  const Frame frame = frames_.back();
  frames_.pop_back();
  if (frame != Frame::kRecorded) return;
  outputs = outputs.slice(outputs.size() - std::min(outputs.size(), schema.returns().size()));
  if (!schema.is_mutable() && gives_nothing_new(outputs)) return;
  for (const c10::IValue& output : outputs) call_.outputs.push_back(result(output));
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

Argument Recorder::argument(const c10::IValue& value, const c10::TypePtr& declared) const {
  const c10::TypePtr type = without_optional(declared);
  if (value.isNone()) return {None{}};
  switch (type->kind()) {
    case c10::TypeKind::ScalarTypeType:
      return {element_type_of(value.toScalarType())};
    case c10::TypeKind::MemoryFormatType:
    case c10::TypeKind::LayoutType:
    case c10::TypeKind::DeviceObjType:
      return {Placement{}};
    default:
      break;
  }
  if (value.isTensor()) {
    const at::Tensor& tensor = value.toTensor();
    if (!tensor.defined()) return {None{}};
    const bool is_number = tensor.dim() == 0 && tensor.device().is_cpu() && name_of(tensor).empty();
    if (!is_number) return {known(tensor)};
    if (tensor.is_floating_point()) return {tensor.item<double>()};
    if (tensor.scalar_type() == at::kBool) return {tensor.item<bool>()};
    return {tensor.item<int64_t>()};
  }
  if (value.isTensorList()) {
    std::vector<TensorName> list;
    for (const at::Tensor& tensor : value.toTensorVector()) list.push_back(known(tensor));
    return {list};
  }
  if (value.isOptionalTensorList()) {
    Argument::List list;
    for (const std::optional<at::Tensor>& tensor : value.toOptionalTensorVector())
      list.push_back(tensor && tensor->defined() ? Argument{known(*tensor)} : Argument{None{}});
    return {list};
  }
  if (value.isBool()) return {value.toBool()};
  if (value.isInt()) return {value.toInt()};
  if (value.isDouble()) return {value.toDouble()};
  if (value.isString()) return {value.toStringRef()};
  if (value.isIntList()) return {value.toIntVector()};
  if (value.isDoubleList() || value.isBoolList()) {
    Argument::List list;
    for (const c10::IValue& element : value.toListRef())
      list.push_back(element.isBool() ? Argument{element.toBool()} : Argument{element.toDouble()});
    return {list};
  }
  refuse(cat(call_.op.str(), " takes an argument that a program has no form for"));
}

}  // namespace graftwork::core::captured
