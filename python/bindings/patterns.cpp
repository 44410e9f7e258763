#include "bindings/patterns.h"

#include <pybind11/stl.h>

#include <set>

#include "bindings/bindings.h"
#include "bindings/description.h"
#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/patterns/text/parse.h"

namespace graftwork::python {
namespace py = pybind11;

namespace {

using Section = PatternHandle::Section;

void append(std::vector<PatternHandle>& handles, Section section, const core::PatternList& patterns,
            const std::shared_ptr<const core::KindTable>& kinds) {
  for (const auto& pattern : patterns) handles.push_back({section, pattern, {}, {}, kinds});
}

std::vector<PatternHandle> handles_of(const core::PatternSections& sections) {
  std::vector<PatternHandle> handles;
  append(handles, Section::kRecomposition, sections.recompositions, sections.kinds);
  append(handles, Section::kConversion, sections.conversions, sections.kinds);
  append(handles, Section::kFusion, sections.fusions, sections.kinds);
  return handles;
}

const char* text_of(Section section) {
  switch (section) {
    case Section::kRecomposition:
      return "recomposition";
    case Section::kConversion:
      return "conversion";
    case Section::kFusion:
      return "fusion";
    case Section::kSmoothing:
      return "smoothing";
    case Section::kQuantization:
      break;
  }
  return "quantization";
}

std::vector<PatternHandle> backend_list(const core::Backend& backend, const std::string& section) {
  std::vector<PatternHandle> handles;
  if (section == "conversion") append(handles, Section::kConversion, backend.conversions, backend.kinds);
  if (section == "fusion") append(handles, Section::kFusion, backend.fusions, backend.kinds);
  if (section == "smoothing") {
    for (const auto& pattern : backend.smoothings)
      handles.push_back({Section::kSmoothing, {}, {}, pattern, backend.kinds});
  }
  if (section == "quantization") {
    for (const auto& pattern : backend.quantizations)
      handles.push_back({Section::kQuantization, {}, pattern, {}, backend.kinds});
  }
  return handles;
}

/// A backend with these lists and all else of `base`.
void add_backend(const std::string& name, const std::string& base, const std::vector<PatternHandle>& patterns) {
  core::Backend backend = *core::backends().find(base);
  backend.name = name;
  backend.conversions.clear();
  backend.fusions.clear();
  backend.smoothings.clear();
  backend.quantizations.clear();
  for (const PatternHandle& handle : patterns) {
    if (handle.section == Section::kConversion) backend.conversions.push_back(handle.pattern);
    if (handle.section == Section::kFusion) backend.fusions.push_back(handle.pattern);
    if (handle.section == Section::kSmoothing) backend.smoothings.push_back(handle.smoothing);
    if (handle.section == Section::kQuantization) backend.quantizations.push_back(handle.placement);
    if (!backend.kinds->includes(*handle.kinds)) backend.kinds = backend.kinds->with(*handle.kinds);
  }
  core::backends().add(std::move(backend));
}

}  // namespace

std::string PatternHandle::name() const {
  if (pattern) return std::string(pattern->name());
  return std::string(placement ? placement->name() : smoothing->name());
}

core::PatternSections sections_of(const std::vector<PatternHandle>& patterns) {
  core::PatternSections sections;
  std::set<std::string> names;
  for (const PatternHandle& handle : patterns) {
    if (!handle.pattern)
      throw Error("patterns.section", core::cat(handle.name(), " is a ", text_of(handle.section), " pattern"),
                  "conversions and fusions for transform; quantize takes the others");
    if (!names.insert(handle.name()).second)
      throw Error("patterns.name", core::cat("two patterns are called ", handle.name()),
                  "another name for one of them");
    core::PatternList& list = handle.section == Section::kConversion ? sections.conversions
                              : handle.section == Section::kFusion   ? sections.fusions
                                                                     : sections.recompositions;
    list.push_back(handle.pattern);
    if (!sections.kinds->includes(*handle.kinds)) {
      sections.kinds = handle.kinds->includes(*sections.kinds) ? handle.kinds : sections.kinds->with(*handle.kinds);
    }
  }
  const core::PatternList own = core::recompositions();
  sections.recompositions.insert(sections.recompositions.begin(), own.begin(), own.end());
  return sections;
}

void bind_patterns(py::module_& module) {
  py::class_<PatternHandle>(module, "Pattern")
      .def_property_readonly("name", &PatternHandle::name)
      .def_property_readonly("section", [](const PatternHandle& handle) { return text_of(handle.section); })
      .def("__repr__", [](const PatternHandle& handle) {
        return core::cat("<", text_of(handle.section), " ", handle.name(), ">");
      });
  module.def(
      "parse_patterns",
      [](const std::string& text, const std::string& file) {
        return handles_of(core::parse_pattern_sections(text, file, core::get_backend()->kinds));
      },
      py::arg("text"), py::arg("file"));
  module.def("read_patterns",
             [](const std::string& path) { return handles_of(core::read_patterns(path, core::get_backend()->kinds)); });
  module.def("kinds", [](const std::string& backend) {
    py::list kinds;
    for (const auto& kind : core::backends().find(backend)->kinds->all()) kinds.append(kind_of(*kind));
    return kinds;
  });
  module.def("backend_patterns", [](const std::string& backend, const std::string& section) {
    return backend_list(*core::backends().find(backend), section);
  });
  module.def("add_backend", &add_backend);
  module.def("set_backend", [](const std::string& name) { core::set_backend(name); });
  module.def("get_backend", [] { return core::get_backend()->name; });
  module.def("discover_backends", &core::discover_backends);
  module.def("reset_backends", &core::reset_backends);
}

}  // namespace graftwork::python
