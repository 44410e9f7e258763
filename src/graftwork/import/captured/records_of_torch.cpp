#include "graftwork/import/captured/records_of_torch.h"

#include "graftwork/base/text.h"
#include "graftwork/nn/dtypes.h"

namespace graftwork::core::captured {
namespace {

bool same(const c10::IValue& a, const c10::IValue& b) {
  if (a.isTensor() || b.isTensor()) return false;
  if (a.isNone() || b.isNone()) return a.isNone() && b.isNone();
  if (a.isBool() && b.isBool()) return a.toBool() == b.toBool();
  if (a.isComplexDouble() || b.isComplexDouble()) return false;
  if (a.isScalar() && b.isScalar()) return a.tagKind() == b.tagKind() && a.toScalar().equal(b.toScalar().toDouble());
  return a.tagKind() == b.tagKind() && a == b;
}

c10::TypePtr without_optional(const c10::TypePtr& type) {
  const auto* optional = type->castRaw<c10::OptionalType>();
  return optional ? optional->getElementType() : type;
}

/// A list of tensors is its names, unless the list is one of numbers too.
Argument names_in(Argument::List elements) {
  std::vector<TensorName> names;
  for (const Argument& element : elements) {
    const auto* tensor = element.get_if<TensorName>();
    if (!tensor) return {std::move(elements)};
    names.push_back(*tensor);
  }
  return {std::move(names)};
}

}  // namespace

Symbol operator_of(const c10::FunctionSchema& schema) {
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
  if (tensor.layout() == at::kStrided) {
    for (const int64_t stride : tensor.strides()) meta.strides.emplace_back(stride);
  }
  return meta;
}

bool is_default(const c10::Argument& argument, const c10::IValue& value) {
  const auto& fallback = argument.default_value();
  return fallback && same(*fallback, value);
}

Argument number_in(const at::Tensor& tensor) {
  if (tensor.is_complex()) {
    const c10::complex<double> number = tensor.item<c10::complex<double>>();
    return {std::complex<double>(number.real(), number.imag())};
  }
  if (tensor.is_floating_point()) return {tensor.item<double>()};
  if (tensor.scalar_type() == at::kBool) return {tensor.item<bool>()};
  return {tensor.item<int64_t>()};
}

Argument record_of(const c10::IValue& value, const c10::TypePtr& type,
                   const std::function<Argument(const at::Tensor&)>& tensor) {
  if (value.isNone()) return {None{}};
  switch (without_optional(type)->kind()) {
    case c10::TypeKind::ScalarTypeType:
      return {element_type_of(value.toScalarType())};
    case c10::TypeKind::MemoryFormatType:
    case c10::TypeKind::LayoutType:
    case c10::TypeKind::DeviceObjType:
      return {Placement{}};
    default:
      break;
  }
  if (value.isTensor()) return value.toTensor().defined() ? tensor(value.toTensor()) : Argument{None{}};
  if (value.isTensorList() || value.isOptionalTensorList()) {
    Argument::List elements;
    for (const c10::IValue& element : value.toListRef()) {
      const bool is_given = element.isTensor() && element.toTensor().defined();
      elements.push_back(is_given ? tensor(element.toTensor()) : Argument{None{}});
    }
    if (value.isOptionalTensorList()) return {std::move(elements)};
    return names_in(std::move(elements));
  }
  if (value.isBool()) return {value.toBool()};
  if (value.isInt()) return {value.toInt()};
  if (value.isDouble()) return {value.toDouble()};
  if (value.isComplexDouble()) {
    const c10::complex<double> number = value.toComplexDouble();
    return {std::complex<double>(number.real(), number.imag())};
  }
  if (value.isString()) return {value.toStringRef()};
  if (value.isIntList()) return {value.toIntVector()};
  if (value.isDoubleList() || value.isBoolList()) {
    Argument::List list;
    for (const c10::IValue& element : value.toListRef())
      list.push_back(element.isBool() ? Argument{element.toBool()} : Argument{element.toDouble()});
    return {std::move(list)};
  }
  return {Unsupported{}};
}

}  // namespace graftwork::core::captured
