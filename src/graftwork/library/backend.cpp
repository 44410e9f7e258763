#include "graftwork/patterns/backend.h"

#include "graftwork/library/state.h"

namespace graftwork {
namespace {

Backend backend_of(std::shared_ptr<const core::Backend> backend) {
  return Backend(std::make_shared<const detail::BackendState>(detail::BackendState{std::move(backend)}));
}

template <class List>
std::vector<std::string> names_of(const List& list) {
  std::vector<std::string> names;
  for (const auto& pattern : list) names.emplace_back(pattern->name());
  return names;
}

}  // namespace

Backend::Backend(std::string_view name, const Patterns& patterns, const Backend& base) : Backend(base) {
  core::Backend made = *base.state()->backend;
  const core::PatternSections& sections = patterns.state()->sections;
  made.name = name;
  made.kinds = made.kinds->with(*sections.kinds);
  made.conversions = sections.conversions;
  made.fusions = sections.fusions;
  state_ = backend_of(std::make_shared<const core::Backend>(std::move(made))).state();
}

std::string Backend::name() const { return state_->backend->name; }

Patterns Backend::conversions() const {
  return detail::patterns_of({.sections = {.recompositions = {},
                                           .conversions = state_->backend->conversions,
                                           .fusions = {},
                                           .kinds = state_->backend->kinds}});
}

Patterns Backend::fusions() const {
  return detail::patterns_of({.sections = {.recompositions = {},
                                           .conversions = {},
                                           .fusions = state_->backend->fusions,
                                           .kinds = state_->backend->kinds}});
}

std::vector<std::string> Backend::smoothings() const { return names_of(state_->backend->smoothings); }
std::vector<std::string> Backend::quantizations() const { return names_of(state_->backend->quantizations); }
std::vector<std::string> Backend::precisions() const { return state_->backend->precisions; }
std::vector<std::string> Backend::float_types() const { return state_->backend->float_types; }

void add_backend(const Backend& backend) { core::backends().add(*backend.state()->backend); }
void set_backend(std::string_view name) { core::set_backend(name); }
Backend get_backend() { return backend_of(core::get_backend()); }
Backend find_backend(std::string_view name) { return backend_of(core::backends().find(name)); }
std::vector<std::string> discover_backends() { return core::discover_backends(); }
void reset_backends() { core::reset_backends(); }

}  // namespace graftwork
