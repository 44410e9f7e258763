#include <graftwork/pattern.h>

#include <algorithm>
#include <set>

#include "graftwork/base/first_of.h"
#include "graftwork/base/text.h"
#include "graftwork/library/state.h"
#include "graftwork/patterns/tensorrt/tensorrt.h"
#include "graftwork/patterns/text/parse.h"

namespace graftwork {
namespace {

using detail::patterns_of;
using detail::PatternState;

/// Calls visit(list) for each list of the state, in their order.
template <class State, class Visit>
void for_each_list(State& state, Visit&& visit) {
  visit(state.sections.recompositions);
  visit(state.sections.conversions);
  visit(state.sections.fusions);
  visit(state.smoothings);
  visit(state.quantizations);
}

Patterns filtered(const Patterns& patterns, const std::vector<std::string>& names, bool keep) {
  std::set<std::string> missing(names.begin(), names.end());
  const std::set<std::string> wanted = missing;
  PatternState state = *patterns.state();
  for_each_list(state, [&](auto& list) {
    std::erase_if(list, [&](const auto& pattern) {
      const std::string name(pattern->name());
      missing.erase(name);
      return wanted.contains(name) != keep;
    });
  });
  if (missing.empty()) return patterns_of(std::move(state));
  throw Error("patterns.name", core::cat("there is no pattern ", core::quoted(*missing.begin()), " in the list"),
              "one of " + core::first_of(patterns.names()));
}

core::PatternSections parsed(std::string_view text, std::string_view name) {
  return core::parse_pattern_sections(text, name, core::tensorrt_backend().kinds);
}

}  // namespace

Patterns::Patterns() : state_(std::make_shared<const PatternState>()) {}

Patterns::Patterns(BuiltInPatterns list) : Patterns() {
  const core::Backend& tensorrt = core::tensorrt_backend();
  PatternState state{.sections = {.recompositions = {}, .conversions = {}, .fusions = {}, .kinds = tensorrt.kinds}};
  const auto is = [&](const BuiltInPatterns& other) { return list.number == other.number; };
  if (is(TENSORRT_CONVERSIONS) || is(TENSORRT_PATTERNS)) state.sections.conversions = tensorrt.conversions;
  if (is(TENSORRT_FUSIONS) || is(TENSORRT_PATTERNS)) state.sections.fusions = tensorrt.fusions;
  if (is(TENSORRT_SMOOTHINGS)) state.smoothings = tensorrt.smoothings;
  if (is(TENSORRT_QUANTIZATIONS)) state.quantizations = tensorrt.quantizations;
  state_ = std::make_shared<const PatternState>(std::move(state));
}

Patterns Patterns::parse(std::string_view text, std::string_view name) {
  return patterns_of({.sections = parsed(text, name)});
}

Patterns Patterns::read(const std::filesystem::path& path) {
  return patterns_of({.sections = core::read_patterns(path, core::tensorrt_backend().kinds)});
}

std::vector<std::string> Patterns::names() const {
  std::vector<std::string> names;
  for_each_list(*state_, [&](const auto& list) {
    for (const auto& pattern : list) names.emplace_back(pattern->name());
  });
  return names;
}

Patterns Patterns::only(const std::vector<std::string>& names) const { return filtered(*this, names, true); }
Patterns Patterns::without(const std::vector<std::string>& names) const { return filtered(*this, names, false); }

Patterns operator+(const Patterns& a, const Patterns& b) {
  const std::vector<std::string> names = a.names();
  for (const std::string& name : b.names()) {
    if (std::ranges::find(names, name) != names.end())
      throw Error("patterns.name", "two patterns are called " + name, "other names, or without() one of them");
  }
  PatternState sum = *a.state();
  const auto append = [](auto& list, const auto& more) { list.insert(list.end(), more.begin(), more.end()); };
  append(sum.sections.recompositions, b.state()->sections.recompositions);
  append(sum.sections.conversions, b.state()->sections.conversions);
  append(sum.sections.fusions, b.state()->sections.fusions);
  append(sum.smoothings, b.state()->smoothings);
  append(sum.quantizations, b.state()->quantizations);
  sum.sections.kinds = sum.sections.kinds->with(*b.state()->sections.kinds);
  return patterns_of(std::move(sum));
}

namespace detail {

Patterns patterns_of(PatternState state) { return Patterns(std::make_shared<const PatternState>(std::move(state))); }

core::PatternSections sections_of(const Patterns& patterns) {
  core::PatternSections sections = patterns.state()->sections;
  core::PatternList raising = core::recompositions();
  sections.recompositions.insert(sections.recompositions.end(), raising.begin(), raising.end());
  return sections;
}

}  // namespace detail
}  // namespace graftwork
