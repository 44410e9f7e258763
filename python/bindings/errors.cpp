#include <pybind11/stl.h>
#include <torch/csrc/Exceptions.h>

#include "bindings/bindings.h"
#include "graftwork/base/error.h"

namespace graftwork::python {
namespace py = pybind11;

void bind_errors(py::module_& module) {
  static const py::handle error_type = py::exception<Error>(module, "Error", PyExc_RuntimeError).release();
  py::register_local_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const Error& error) {
      const py::object value = py::reinterpret_borrow<py::object>(error_type)(error.report());
      value.attr("code") = error.code();
      value.attr("message") = error.message();
      value.attr("hint") = error.hint();
      value.attr("context") = error.context();
      PyErr_SetObject(error_type.ptr(), value.ptr());
    } catch (python_error& error) {  // what Python raised below us
      error.restore();
    } catch (const core::InternalError& error) {
      PyErr_SetString(PyExc_AssertionError, error.what());
    } catch (const c10::Error&) {
      torch::translate_exception_to_python(thrown);  // IndexError, NotImplementedError, ...
    }
  });
}

}  // namespace graftwork::python
