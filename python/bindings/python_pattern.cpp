// Patterns whose change is a function of Python: what it sees of a match, and what it may stage.
#include <pybind11/stl.h>
#include <torch/csrc/Dtype.h>
#include <torch/csrc/DynamicTypes.h>

#include <memory>

#include "bindings/bindings.h"
#include "bindings/description.h"
#include "bindings/patterns.h"
#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/nn/dtypes.h"
#include "graftwork/patterns/text/text_pattern.h"

namespace graftwork::python {
namespace {

namespace py = pybind11;

/// One run of a pattern's function. Values that it keeps are worth nothing afterwards, and say so.
struct Session {
  core::Graft* graft = nullptr;

  core::Graft& open() const {
    if (!graft) throw Error("pattern.over", "a value of a match is good only while the pattern's function runs");
    return *graft;
  }
};
using SessionHandle = std::shared_ptr<Session>;

/// A node of the graph that is being rewritten.
class Value {
 public:
  Value(core::Node& node, SessionHandle session) : node_(&node), session_(std::move(session)) {}

  core::Node& node() const {
    session_->open();
    return *node_;
  }
  /// Null where it is no call of a module.
  const core::ModuleRecord* record() const {
    return node().kind() == core::NodeKind::kCallModule ? &session_->open().module().record(node()) : nullptr;
  }
  py::dict attributes() const {
    if (!record()) return python_of(node().attrs());
    return record_of(session_->open().module().modules(), node().module())["attrs"].cast<py::dict>();
  }
  std::vector<Value> inputs() const {
    std::vector<Value> inputs;
    for (const core::Use& use : node().inputs()) inputs.emplace_back(*use.producer(), session_);
    return inputs;
  }
  std::optional<core::ParamExpr> parameter(const std::string& name) const {
    const core::ParamExpr* found = record() ? record()->param(name) : nullptr;
    return found ? std::optional(*found) : std::nullopt;
  }

 private:
  core::Node* node_;
  SessionHandle session_;
};

core::Attribute attribute_of(py::handle value) {
  PyObject* object = value.ptr();
  if (value.is_none()) return {};
  if (PyBool_Check(object)) return object == Py_True;
  if (PyLong_Check(object)) return value.cast<int64_t>();
  if (PyFloat_Check(object)) return PyFloat_AS_DOUBLE(object);
  if (PyUnicode_Check(object)) return value.cast<std::string>();
  if (THPDtype_Check(object)) {
    const auto dtype = core::from_torch(reinterpret_cast<THPDtype*>(object)->scalar_type);
    if (dtype) return *dtype;
  }
  if (PyList_Check(object) || PyTuple_Check(object)) {
    core::Attribute::List list;
    for (const py::handle element : value) list.push_back(attribute_of(element));
    return list;
  }
  throw py::type_error(core::cat("an attribute cannot be ", py::repr(value).cast<std::string>()));
}

core::AttrMap attributes_of(const py::dict& attributes) {
  core::AttrMap made;
  for (const auto& [name, value] : attributes) made.set(name.cast<std::string>(), attribute_of(value));
  return made;
}

std::vector<core::Node*> nodes_of(const std::vector<Value>& values) {
  std::vector<core::Node*> nodes;
  for (const Value& value : values) nodes.push_back(&value.node());
  return nodes;
}

/// What a function may stage; it is carried out when the function returns, or not at all.
class Stage {
 public:
  explicit Stage(SessionHandle session) : session_(std::move(session)) {}

  Value call(const std::string& op, const std::vector<Value>& inputs, const py::dict& attributes) const {
    core::Graft& graft = session_->open();
    return {graft.call_function(op, nodes_of(inputs), attributes_of(attributes)), session_};
  }
  Value call_module(const std::string& kind, const std::vector<Value>& inputs, const py::dict& attributes,
                    const std::map<std::string, core::ParamExpr>& parameters, const std::string& path) const {
    core::Graft& graft = session_->open();
    core::ModuleRecord record;
    record.path = path;
    record.kind = kind;
    record.attrs = attributes_of(attributes);
    for (const auto& [name, value] : parameters) record.params.emplace_back(name, value);
    return {graft.call_module(graft.add_record(std::move(record)), nodes_of(inputs)), session_};
  }
  void replace(const Value& old, const Value& now) const { demand(session_->open().replace(old.node(), now.node())); }
  void remove(const Value& value) const { demand(session_->open().remove(value.node())); }

 private:
  static void demand(const core::Outcome& outcome) {
    if (!outcome) throw Error("pattern.declined", outcome.reason());
  }

  SessionHandle session_;
};

/// Whoever drops a function of Python holds the GIL.
std::shared_ptr<py::object> kept(py::object function) {
  return {new py::object(std::move(function)), [](py::object* held) {
            const py::gil_scoped_acquire acquire;
            delete held;
          }};
}

class PythonPattern final : public core::Pattern {
 public:
  /// `tree` is a pattern of text whose change is not asked for.
  PythonPattern(std::shared_ptr<const core::gpat::TextPattern> tree, py::object replace)
      : tree_(std::move(tree)), replace_(kept(std::move(replace))) {}

  std::string_view name() const override { return tree_->name(); }
  std::vector<core::Pat> roots() const override { return tree_->roots(); }
  bool looks_further() const override { return true; }

  core::Outcome graft(const core::Match& match, core::Graft& graft) const override {
    const py::gil_scoped_acquire acquire;
    const SessionHandle session(std::make_shared<Session>(&graft));
    const auto close = [](Session* open) { open->graft = nullptr; };
    const std::unique_ptr<Session, decltype(close)> closed(session.get(), close);
    return ask(match, session);
  }

 private:
  core::Outcome ask(const core::Match& match, const SessionHandle& session) const try {
    py::dict values;
    for (const core::gpat::Capture& capture : tree_->program().captures) {
      if (capture.name != "_" && match.has(capture.value))
        values[py::str(capture.name)] = Value(match[capture.value], session);
    }
    const py::object reason = (*replace_)(values, Stage(session));
    return reason.is_none() ? core::applied() : core::declined(reason.cast<std::string>());
  } catch (py::error_already_set& error) {
    throw PassedOn{std::make_shared<py::error_already_set>(error)};
  }

  std::shared_ptr<const core::gpat::TextPattern> tree_;
  std::shared_ptr<py::object> replace_;
};

PatternHandle with_function(const PatternHandle& tree, py::object replace) {
  auto text = std::dynamic_pointer_cast<const core::gpat::TextPattern>(tree.pattern);
  if (!text) throw Error("patterns.section", core::cat(tree.name(), " was not read from text"));
  PatternHandle made = tree;
  made.pattern = std::make_shared<PythonPattern>(std::move(text), std::move(replace));
  return made;
}

}  // namespace

void bind_python_pattern(py::module_& module) {
  using core::ParamExpr;
  py::class_<ParamExpr>(module, "Parameter", "A parameter: a stored tensor, or what is made of stored tensors.")
      .def_property_readonly("shape", [](const ParamExpr& expr) { return shape_of(core::Type(expr.type())); })
      .def("view", &ParamExpr::view)
      .def("permute", &ParamExpr::permute)
      .def("slice", &ParamExpr::slice, py::arg("axis"), py::arg("start"), py::arg("end"))
      .def("multiply", &ParamExpr::multiply)
      .def_static("concat", &ParamExpr::concat, py::arg("parts"), py::arg("axis"))
      .def("__repr__", &ParamExpr::text);
  py::class_<Value>(module, "Value", "A node that a pattern has found. Only good while its function runs.")
      .def_property_readonly("name", [](const Value& value) { return value.node().name().str(); })
      .def_property_readonly("op", [](const Value& value) { return value.node().op().str(); })
      .def_property_readonly("path", [](const Value& value) { return value.node().origin().module_path.str(); })
      .def_property_readonly("shape", [](const Value& value) { return shape_of(value.node().type()); })
      .def_property_readonly("dtype", [](const Value& value) { return dtype_of(value.node().type()); })
      .def_property_readonly("users", [](const Value& value) { return value.node().use_count(); })
      .def_property_readonly("inputs", &Value::inputs)
      .def_property_readonly("attributes", &Value::attributes)
      .def("parameter", &Value::parameter);
  py::class_<Stage>(module, "Stage", "What a pattern's function may change.")
      .def("call", &Stage::call, py::arg("op"), py::arg("inputs"), py::arg("attributes") = py::dict())
      .def("call_module", &Stage::call_module, py::arg("kind"), py::arg("inputs"), py::arg("attributes"),
           py::arg("parameters") = py::dict(), py::arg("path"))
      .def("replace", &Stage::replace, py::arg("old"), py::arg("now"))
      .def("remove", &Stage::remove);
  module.def("with_function", &with_function, py::arg("tree"), py::arg("replace"));
}

}  // namespace graftwork::python
