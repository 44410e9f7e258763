#include "graftwork/nn/operator_call.h"

#include <ATen/InferSize.h>
#include <ATen/TensorUtils.h>

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/bounds.h"
#include "graftwork/nn/dtypes.h"
#include "graftwork/nn/runnable_operators.h"

namespace graftwork::core {
namespace {

c10::TypePtr without_optional(c10::TypePtr type) {
  if (const auto* optional = type->castRaw<c10::OptionalType>()) return optional->getElementType();
  return type;
}

c10::TypePtr element_of(const c10::TypePtr& type) {
  const auto* list = type->castRaw<c10::ListType>();
  return list ? list->getElementType() : nullptr;
}

bool is_device(const c10::TypePtr& type) { return without_optional(type)->kind() == c10::TypeKind::DeviceObjType; }

bool is_tensor(const c10::TypePtr& type) { return without_optional(type)->kind() == c10::TypeKind::TensorType; }

bool is_tensor_list(const c10::TypePtr& type) {
  const c10::TypePtr element = element_of(without_optional(type));
  return element && is_tensor(element);
}

int64_t memory_format(const std::string& name) {
  const auto format = name == "channels_last"      ? at::MemoryFormat::ChannelsLast
                      : name == "channels_last_3d" ? at::MemoryFormat::ChannelsLast3d
                      : name == "preserve"         ? at::MemoryFormat::Preserve
                                                   : at::MemoryFormat::Contiguous;
  return static_cast<int64_t>(format);
}

c10::IValue make_list(const c10::TypePtr& element, const std::vector<c10::IValue>& values) {
  // Typed lists are what the kernels unbox; a generic list of the element type converts as it should.
  c10::impl::GenericList list(element);
  for (const c10::IValue& value : values) list.push_back(value);
  return list;
}

bool admits(const c10::TypePtr& declared, const Attribute& attr) {
  const c10::TypePtr type = without_optional(declared);
  const c10::TypeKind kind = type->kind();
  const auto is_any = [&](std::initializer_list<c10::TypeKind> kinds) {
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
  };
  if (attr.is_none()) return declared->castRaw<c10::OptionalType>() != nullptr;
  if (attr.get<InputRef>()) return true;
  const c10::TypePtr element = element_of(type);
  if (const auto* list = attr.get<Attribute::List>()) {
    const auto fits = [&](const Attribute& part) { return admits(element, part); };
    return element && std::all_of(list->begin(), list->end(), fits);
  }
  if (const auto* list = attr.get<std::vector<int64_t>>()) {
    return element && (list->empty() || admits(element, Attribute(list->front())));
  }
  // One number stands for a list of it: stride=2.
  if (element) return !attr.get<std::string>() && admits(element, attr);
  if (attr.get<std::string>()) return is_any({c10::TypeKind::StringType});
  if (attr.get<DType>()) return is_any({c10::TypeKind::ScalarTypeType});
  constexpr auto kNumber = c10::TypeKind::NumberType;
  if (is_any({kNumber, c10::TypeKind::TensorType, c10::TypeKind::FloatType})) return true;
  if (attr.get<bool>()) return is_any({c10::TypeKind::BoolType, c10::TypeKind::IntType, c10::TypeKind::SymIntType});
  return attr.get<int64_t>() &&
         is_any({c10::TypeKind::IntType, c10::TypeKind::SymIntType, c10::TypeKind::SymFloatType});
}

/// Operators that compute. Torch's dispatcher also knows some that reach files, other processes and devices, and a
/// file that is opened must not.
bool may_be_named(const std::string& library, const std::string& name) {
  return (library == "aten" || library == "prims" || library == "quantized") && name != "aten::from_file";
}

}  // namespace

at::Tensor wrapped_number(const c10::Scalar& number) {
  at::Tensor tensor = at::scalar_tensor(number, at::TensorOptions(number.isFloatingPoint() ? at::kDouble
                                                                  : number.isBoolean()     ? at::kBool
                                                                                           : at::kLong));
  tensor.unsafeGetTensorImpl()->set_wrapped_number(true);
  return tensor;
}

std::optional<c10::OperatorHandle> find_operator(Symbol op) {
  const std::string& text = op.str();
  const size_t first = text.find('.');
  const size_t last = text.rfind('.');
  if (first == std::string::npos || first == last) return std::nullopt;
  const std::string name = text.substr(0, first) + "::" + text.substr(first + 1, last - first - 1);
  if (!may_be_named(text.substr(0, first), name)) return std::nullopt;
  std::string overload = text.substr(last + 1);
  if (overload == "default") overload.clear();
  return c10::Dispatcher::singleton().findSchema({name, overload});
}

bool admits(const c10::Argument& argument, const Attribute& attr) {
  // Of an element type's argument, a layout's and a memory format's only the real type says that it is no integer:
  // torch reads its tables at whatever integer it is given.
  const c10::TypeKind real = without_optional(argument.real_type())->kind();
  if (real == c10::TypeKind::ScalarTypeType) return admits(argument.real_type(), attr) && !attr.get<InputRef>();
  if (real == c10::TypeKind::LayoutType) return attr.is_none();
  if (real == c10::TypeKind::MemoryFormatType) return attr.is_none() || attr.get<std::string>();
  return is_device(argument.type()) || admits(argument.type(), attr);
}

namespace {

c10::OperatorHandle known_operator(Symbol op) {
  const auto handle = find_operator(op);
  if (!handle) throw Error("nn.operator", "this torch does not know the operator " + op.str());
  return *handle;
}

/// Of no elements a kernel makes any sizes that it is asked for, and the next one computes with them.
void check_result(Symbol op, const c10::IValue& result) {
  if (result.isTensorList()) {
    for (const c10::IValue& element : result.toListRef()) check_result(op, element);
  }
  if (!result.isTensor() || !result.toTensor().defined()) return;
  auto bytes = static_cast<int64_t>(result.toTensor().element_size());
  for (const int64_t extent : result.toTensor().sizes()) {
    if (extent < 0) throw Error("nn.operator", cat(op.str(), " gives a tensor of ", extent, " elements"));
    if (extent > 0 && __builtin_mul_overflow(bytes, extent, &bytes))
      throw Error("nn.operator", cat(op.str(), " gives a tensor of sizes that do not fit 64 bits"));
  }
}

}  // namespace

OperatorCall::OperatorCall(Symbol op, const AttrMap& attrs, size_t input_count)
    : op_(op),
      handle_(known_operator(op)),
      check_(find_argument_check(op)),
      parts_(find_operator_parts(op)),
      may_run_(may_run(op)) {
  std::vector<bool> referenced(input_count, false);
  const auto note = [&](const auto& self, const Attribute& attr) -> void {
    if (const InputRef* ref = attr.get<InputRef>()) {
      if (ref->slot >= input_count) throw Error("nn.operator", cat(op.str(), ": $", ref->slot, " is no input"));
      referenced[ref->slot] = true;
    }
    if (const auto* list = attr.get<Attribute::List>()) {
      for (const Attribute& element : *list) self(self, element);
    }
  };
  for (const auto& [name, attr] : attrs) note(note, attr);
  size_t next = 0;
  const auto skip_referenced = [&] {
    while (next < input_count && referenced[next]) ++next;
  };
  size_t used_attrs = 0;
  for (const c10::Argument& argument : handle_.schema().arguments()) {
    skip_referenced();
    if (const Attribute* attr = attrs.find(argument.name()); attr && is_device(argument.type())) {
      device_argument_ = sources_.size();  // where tensors lie is said at run time
      sources_.emplace_back(c10::IValue(c10::Device(c10::kCPU)));
      ++used_attrs;
    } else if (attr) {
      if (!admits(argument, *attr))
        throw Error("nn.operator", cat(op.str(), " takes no ", attr->text(), " as ", argument.name()));
      sources_.push_back(bind(argument, *attr));
      ++used_attrs;
    } else if (is_tensor(argument.type()) && next < input_count) {
      sources_.emplace_back(from_input(argument.type(), next++));
    } else if (is_tensor_list(argument.type()) && next < input_count) {
      FromList list{element_of(without_optional(argument.type())), {}};
      for (; next < input_count; ++next) {
        if (!referenced[next]) list.parts.emplace_back(from_input(list.element, next));
      }
      sources_.emplace_back(std::move(list));
    } else if (argument.default_value()) {
      if (argument.name() == "device") device_argument_ = sources_.size();
      sources_.emplace_back(*argument.default_value());
    } else if (argument.type()->kind() == c10::TypeKind::OptionalType) {
      sources_.emplace_back(c10::IValue());
    } else if (is_device(argument.type())) {
      device_argument_ = sources_.size();
      sources_.emplace_back(c10::IValue(c10::Device(c10::kCPU)));
    } else {
      throw Error("nn.operator", cat(op.str(), ": argument ", argument.name(), " is missing"));
    }
  }
  skip_referenced();
  if (next < input_count) throw Error("nn.operator", cat(op.str(), " takes fewer than ", input_count, " inputs"));
  if (used_attrs < attrs.size()) {
    for (const auto& [name, attr] : attrs) {
      if (!handle_.schema().argumentIndexWithName(name.str()))
        throw Error("nn.operator", cat(op.str(), " has no argument ", name.str()));
    }
  }
  // Tensors may lie in memory otherwise than they did at capture, where a view was possible.
  if (op == Symbol("aten.view.default") || op == Symbol("aten._unsafe_view.default"))
    handle_ = known_operator("aten.reshape.default");
}

OperatorCall::Source OperatorCall::bind(const c10::Argument& argument, const Attribute& attr) const {
  if (const InputRef* ref = attr.get<InputRef>()) return from_input(argument.type(), ref->slot);
  const c10::TypePtr type = without_optional(argument.type());
  const auto* list = attr.get<Attribute::List>();
  const c10::TypePtr element = element_of(type);
  if (!list || !element) return constant(argument.type(), attr, argument.name());
  FromList source{element, {}};
  for (const Attribute& part : *list) {
    if (const InputRef* ref = part.get<InputRef>()) {
      source.parts.emplace_back(from_input(element, ref->slot));
    } else {
      source.parts.emplace_back(constant(element, part, argument.name()));
    }
  }
  return source;
}

OperatorCall::FromInput OperatorCall::from_input(const c10::TypePtr& declared, size_t slot) const {
  const bool is_optional = declared->castRaw<c10::OptionalType>() != nullptr;
  switch (without_optional(declared)->kind()) {
    case c10::TypeKind::TensorType:
      return {slot, is_optional ? Holds::kOptionalTensor : Holds::kTensor};
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType:
      return {slot, Holds::kInteger};
    case c10::TypeKind::FloatType:
    case c10::TypeKind::SymFloatType:
      return {slot, Holds::kReal};
    case c10::TypeKind::BoolType:
    case c10::TypeKind::SymBoolType:
      return {slot, Holds::kTruth};
    case c10::TypeKind::NumberType:
      return {slot, Holds::kNumber};
    default:
      throw Error("nn.operator", cat(op_.str(), " takes no $", slot, " as ", declared->str()));
  }
}

c10::IValue OperatorCall::taken(const c10::IValue& input, Holds holds) const {
  switch (holds) {
    case Holds::kTensor:
    case Holds::kOptionalTensor:
      if (input.isTensor() && input.toTensor().defined()) return input;
      if (input.isScalar()) return wrapped_number(input.toScalar());
      if (holds == Holds::kOptionalTensor && (input.isNone() || input.isTensor())) return {};
      break;
    case Holds::kInteger:
      if (input.isInt()) return input;
      break;
    case Holds::kReal:
      if (input.isDouble()) return input;
      if (input.isInt()) return static_cast<double>(input.toInt());
      break;
    case Holds::kTruth:
      if (input.isBool()) return input;
      break;
    case Holds::kNumber:
      if (input.isScalar()) return input;
      break;
  }
  throw Error("nn.operator", cat(op_.str(), " is given a ", input.tagKind(), " that it does not take"));
}

c10::IValue OperatorCall::constant(const c10::TypePtr& declared, const Attribute& attr, const std::string& name) const {
  if (attr.is_none()) return {};
  const c10::TypePtr type = without_optional(declared);
  const auto kind = type->kind();
  const bool wants_float = kind == c10::TypeKind::FloatType;
  if (const bool* value = attr.get<bool>())
    return kind == c10::TypeKind::TensorType ? wrapped_number(*value) : c10::IValue(*value);
  if (const int64_t* value = attr.get<int64_t>()) {
    if (kind == c10::TypeKind::TensorType) return wrapped_number(*value);
    return wants_float ? c10::IValue(static_cast<double>(*value)) : c10::IValue(*value);
  }
  if (const double* value = attr.get<double>())
    return kind == c10::TypeKind::TensorType ? wrapped_number(*value) : c10::IValue(*value);
  if (const DType* value = attr.get<DType>()) return static_cast<int64_t>(to_torch(*value));
  if (const std::string* value = attr.get<std::string>()) {
    return name == "memory_format" ? c10::IValue(memory_format(*value)) : c10::IValue(*value);
  }
  if (const auto* values = attr.get<std::vector<int64_t>>()) {
    const c10::TypePtr element = element_of(type);
    if (element && element->kind() == c10::TypeKind::FloatType)
      return std::vector<double>(values->begin(), values->end());
    if (element && element->kind() == c10::TypeKind::BoolType) return make_list(element, {});
    return *values;
  }
  if (const auto* list = attr.get<Attribute::List>()) {
    const c10::TypePtr element = element_of(type);
    if (element) {
      std::vector<c10::IValue> values;
      for (const Attribute& part : *list) values.push_back(constant(element, part, name));
      return make_list(element, values);
    }
  }
  throw Error("nn.operator", cat(op_.str(), ": ", attr.text(), " does not fit argument ", name));
}

void OperatorCall::make_viewable(torch::jit::Stack& stack) const {
  static const Symbol kView("aten.view.default");
  static const Symbol kUnsafeView("aten._unsafe_view.default");
  if (op_ != kView && op_ != kUnsafeView) return;
  const at::Tensor& tensor = stack[0].toTensor();
  if (tensor.is_contiguous()) return;
  const std::vector<int64_t> shape = at::infer_size(stack[1].toIntVector(), tensor.numel());
  if (!at::detail::computeStride(tensor.sizes(), tensor.strides(), shape)) stack[0] = tensor.contiguous();
}

torch::jit::Stack OperatorCall::arguments(const std::vector<const c10::IValue*>& inputs, c10::Device device) const {
  torch::jit::Stack stack;
  stack.reserve(sources_.size());
  for (const Source& source : sources_) {
    if (const auto* value = std::get_if<c10::IValue>(&source)) {
      stack.push_back(*value);
    } else if (const auto* from = std::get_if<FromInput>(&source)) {
      stack.push_back(taken(*inputs[from->slot], from->holds));
    } else {
      const auto& list = std::get<FromList>(source);
      std::vector<c10::IValue> values;
      for (const auto& part : list.parts) {
        const auto* input = std::get_if<FromInput>(&part);
        values.push_back(input ? taken(*inputs[input->slot], input->holds) : std::get<c10::IValue>(part));
      }
      stack.push_back(make_list(list.element, values));
    }
  }
  if (device_argument_) stack[*device_argument_] = device;
  return stack;
}

c10::IValue OperatorCall::run(const std::vector<const c10::IValue*>& inputs, c10::Device device) const {
  if (!may_run_ && !device.is_meta())
    throw Error("nn.operator", cat(op_.str(), ": ", why_it_does_not_run(op_)), "replacing it in the network");
  torch::jit::Stack stack = arguments(inputs, device);
  make_viewable(stack);
  if (const int64_t parts = parts_ ? parts_(stack) : 1; parts > kMostParts)
    throw Error("nn.operator", cat(op_.str(), ": it makes ", parts, " tensors of one"), "fewer parts");
  if (check_) {
    if (const Outcome fits = check_(stack); !fits) throw Error("nn.operator", cat(op_.str(), ": ", fits.reason()));
  }
  handle_.callBoxed(&stack);
  for (const c10::IValue& result : stack) check_result(op_, result);
  if (stack.size() == 1 && !stack[0].isList()) return std::move(stack[0]);
  if (stack.size() == 1) {
    std::vector<c10::IValue> elements;
    for (const c10::IValue& element : stack[0].toListRef()) elements.push_back(element);
    return c10::ivalue::Tuple::create(std::move(elements));
  }
  return c10::ivalue::Tuple::create(std::move(stack));
}

std::vector<const c10::IValue*> pointers_to(const std::vector<c10::IValue>& values) {
  std::vector<const c10::IValue*> pointers;
  for (const c10::IValue& value : values) pointers.push_back(&value);
  return pointers;
}

std::vector<c10::IValue> results_in(const c10::IValue& result) {
  if (!result.isTuple()) return {result};
  const auto& elements = result.toTupleRef().elements();
  return std::vector<c10::IValue>(elements.begin(), elements.end());
}

}  // namespace graftwork::core
