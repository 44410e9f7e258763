#include "graftwork/patterns/transform.h"

#include <pybind11/stl.h>

#include "bindings/bindings.h"
#include "bindings/network.h"
#include "bindings/patterns.h"
#include "graftwork/base/atomic_file.h"
#include "graftwork/base/error.h"
#include "graftwork/patterns/explain.h"
#include "graftwork/place/plan_file.h"

namespace graftwork::python {
namespace {

namespace py = pybind11;

std::vector<std::string> texts_of(const std::vector<core::Symbol>& symbols) {
  std::vector<std::string> texts;
  for (const core::Symbol symbol : symbols) texts.push_back(symbol.str());
  return texts;
}

py::dict match_of(const core::AppliedMatch& match) {
  py::dict made;
  made["pattern"] = match.pattern.str();
  made["result"] = match.result.str();
  const std::vector<std::string> replaced = texts_of(match.replaced);
  made["replaced"] = std::vector<std::string>(replaced.rbegin(), replaced.rend());
  return made;
}

py::dict report_of(const core::Report& report) {
  py::list applied, skipped;
  for (const core::AppliedMatch& match : report.applied) applied.append(match_of(match));
  for (const core::SkippedMatch& match : report.skipped) {
    py::dict made;
    made["pattern"] = match.pattern.str();
    made["node"] = match.node.str();
    made["reason"] = match.why();
    made["winner"] = match.winner.str();
    skipped.append(made);
  }
  py::dict made;
  made["applied"] = applied;
  made["skipped"] = skipped;
  made["counts"] = report.counts();
  return made;
}

/// The transformed network and its report.
py::tuple result_of(const Network& from, core::TransformationResult result) {
  const py::dict report = report_of(result.report);
  return py::make_tuple(std::make_shared<Network>(core::Network{std::move(result.model), from.network().tensors, {}}),
                        report);
}

template <class Run>
auto without_gil(const Run& run) {
  const py::gil_scoped_release release;
  return run();
}

py::list rounds_of(const core::TransformationPlan& plan) {
  py::list rounds;
  for (const core::PlannedRound& round : plan.rounds) {
    py::list matches;
    for (const core::PlannedMatch& match : round.matches) {
      py::dict made;
      made["pattern"] = match.pattern.str();
      made["node"] = match.node.str();
      made["nodes"] = texts_of(match.nodes);
      made["winner"] = match.winner.str();
      matches.append(made);
    }
    rounds.append(py::make_tuple(round.phase.str(), matches));
  }
  return rounds;
}

/// Of `plan.rounds[round].matches[index]`. Throws IndexError through at().
core::PlannedMatch& match_at(core::TransformationPlan& plan, size_t round, size_t index) {
  return plan.rounds.at(round).matches.at(index);
}

core::TransformationPlan plan_of(core::PlanFile file) {
  if (!file.transformation)
    throw Error("plan.kind", "the file has a plan of Q/DQ and none of fusions", "get_transformation_plan");
  return std::move(*file.transformation);
}

py::list explanations_of(const std::vector<core::Explanation>& explanations) {
  py::list made;
  for (const core::Explanation& explanation : explanations) {
    py::list history, misses;
    for (const core::AppliedMatch& match : explanation.history) history.append(match_of(match));
    for (const core::NearestMiss& miss : explanation.misses) {
      py::dict entry;
      entry["pattern"] = miss.pattern.str();
      entry["anchor"] = miss.anchor.str();
      entry["reason"] = miss.reason;
      misses.append(entry);
    }
    py::dict entry;
    entry["node"] = explanation.node;
    entry["history"] = history;
    entry["outcome"] = explanation.outcome;
    entry["misses"] = misses;
    entry["text"] = explanation.text();
    made.append(entry);
  }
  return made;
}

using Patterns = std::vector<PatternHandle>;

}  // namespace

void bind_transform(py::module_& module) {
  module.def("transform", [](const Network& network, const Patterns& patterns) {
    const core::PatternSections sections = sections_of(patterns);
    return result_of(network, without_gil([&] { return core::transform(network.module(), sections); }));
  });
  module.def("prepare_graph", [](const Network& network, const Patterns& patterns) {
    const core::PatternSections sections = sections_of(patterns);
    return result_of(network, without_gil([&] {
                       core::TransformationResult result{network.module().clone(), {}};
                       result.report = core::prepare_graph(result.model, sections.recompositions);
                       return result;
                     }));
  });
  py::class_<core::TransformationPlan>(module, "TransformationPlan")
      .def_property_readonly("rounds", &rounds_of)
      .def_readonly("graph", &core::TransformationPlan::graph)
      .def("is_on", [](core::TransformationPlan& plan, size_t round,
                       size_t index) { return match_at(plan, round, index).apply; })
      .def("switch", [](core::TransformationPlan& plan, size_t round, size_t index,
                        bool on) { match_at(plan, round, index).apply = on; })
      .def("text", &core::TransformationPlan::text)
      .def("to_json", [](const core::TransformationPlan& plan) { return core::plan_text({plan, std::nullopt}); })
      .def("save", [](const core::TransformationPlan& plan, const std::string& path) {
        core::write_file(path, core::plan_text({plan, std::nullopt}));
      });
  module.def("parse_plan", [](const std::string& text) { return plan_of(core::parse_plan(text)); });
  module.def("read_plan", [](const std::string& path) { return plan_of(core::read_plan(path)); });
  module.def("get_transformation_plan", [](const Network& network, const Patterns& patterns) {
    const core::PatternSections sections = sections_of(patterns);
    return without_gil([&] { return core::get_transformation_plan(network.module(), sections); });
  });
  module.def("apply_transformation_plan", [](const Network& network, const core::TransformationPlan& plan,
                                             const Patterns& patterns) {
    const core::PatternSections sections = sections_of(patterns);
    return result_of(network,
                     without_gil([&] { return core::apply_transformation_plan(network.module(), plan, sections); }));
  });
  module.def("explain", [](const Network& network, const std::string& name, const Patterns& patterns) {
    const core::PatternSections sections = sections_of(patterns);
    return explanations_of(without_gil([&] { return core::explain(network.module(), name, sections); }));
  });
}

}  // namespace graftwork::python
