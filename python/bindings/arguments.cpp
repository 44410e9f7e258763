#include "bindings/arguments.h"

#include <torch/csrc/Device.h>
#include <torch/csrc/Dtype.h>
#include <torch/csrc/Layout.h>
#include <torch/csrc/MemoryFormat.h>

#include "graftwork/import/captured/program.h"
#include "graftwork/nn/dtypes.h"

namespace graftwork::python {
namespace {

namespace py = pybind11;
namespace captured = core::captured;

/// One type for lists of integers and of tensors, as importers of files have it.
captured::Argument::Value list_of(py::handle sequence) {
  captured::Argument::List list;
  bool integers = true, tensors = true;
  for (const py::handle element : sequence) {
    list.push_back(argument_of(element));
    integers &= list.back().is<int64_t>();
    tensors &= list.back().is<captured::TensorName>();
  }
  if (integers) {
    std::vector<int64_t> numbers;
    for (const captured::Argument& element : list) numbers.push_back(*element.get_if<int64_t>());
    return numbers;
  }
  if (tensors) {
    std::vector<captured::TensorName> names;
    for (captured::Argument& element : list)
      names.push_back(std::move(*std::get_if<captured::TensorName>(&element.value)));
    return names;
  }
  return list;
}

std::optional<core::DType> parts_of(at::ScalarType type) {
  switch (type) {
    case at::kComplexHalf:
      return core::DType::kF16;
    case at::kComplexFloat:
      return core::DType::kF32;
    case at::kComplexDouble:
      return core::DType::kF64;
    default:
      return std::nullopt;
  }
}

captured::Argument::Value value_of(py::handle value) {
  PyObject* object = value.ptr();
  if (value.is_none()) return captured::None{};
  if (PyBool_Check(object)) return object == Py_True;
  if (PyLong_Check(object)) return value.cast<int64_t>();
  if (PyFloat_Check(object)) return PyFloat_AS_DOUBLE(object);
  if (PyUnicode_Check(object)) return value.cast<std::string>();
  if (PyComplex_Check(object)) return value.cast<std::complex<double>>();
  if (THPDtype_Check(object)) return element_type_of(value);
  if (THPDevice_Check(object) || THPLayout_Check(object)) return captured::Placement{};
  if (THPMemoryFormat_Check(object)) return captured::Placement{};
  if (PyList_Check(object) || PyTuple_Check(object)) return list_of(value);
  if (py::isinstance<captured::TensorName>(value)) return value.cast<captured::TensorName>();
  if (py::isinstance<captured::NumberName>(value)) return value.cast<captured::NumberName>();
  if (py::isinstance<captured::OperatorName>(value)) return value.cast<captured::OperatorName>();
  if (py::isinstance<captured::SubGraph>(value)) return value.cast<std::shared_ptr<captured::SubGraph>>();
  return captured::Unsupported{};
}

}  // namespace

captured::ElementType element_type_of(py::handle dtype) {
  const at::ScalarType type = reinterpret_cast<THPDtype*>(dtype.ptr())->scalar_type;
  const auto known = core::from_torch(type);
  return {.known = known, .other = known ? core::Symbol() : core::Symbol(c10::toString(type)), .parts = parts_of(type)};
}

captured::Argument argument_of(py::handle value) { return {value_of(value)}; }

}  // namespace graftwork::python
