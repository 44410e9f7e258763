#include <pybind11/stl.h>
#include <torch/csrc/Exceptions.h>

#include "bindings/bindings.h"
#include "graftwork/base/error.h"

namespace graftwork::python {
namespace py = pybind11;

void translate_errors() {
  py::register_local_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const Error& error) {
      const py::object type = py::module_::import("graftwork.errors").attr("Error");
      const py::object value = type(error.code(), error.message(), error.hint(), error.context());
      PyErr_SetObject(type.ptr(), value.ptr());
    } catch (const PassedOn& passed_on) {
      passed_on.error->restore();
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
