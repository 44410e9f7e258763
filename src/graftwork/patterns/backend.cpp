#include "graftwork/patterns/backend.h"

#include <map>
#include <mutex>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/patterns/tensorrt/tensorrt.h"

namespace graftwork::core {

struct BackendRegistry::State {
  mutable std::mutex mutex;
  std::map<std::string, std::shared_ptr<const Backend>, std::less<>> by_name;
  std::string chosen;

  std::string list() const {
    std::vector<std::string> names;
    for (const auto& [name, backend] : by_name) names.push_back(name);
    return names.empty() ? "none" : join(names);
  }
};

BackendRegistry::BackendRegistry(std::vector<Backend> backends) : state_(std::make_unique<State>()) {
  reset(std::move(backends));
}
BackendRegistry::~BackendRegistry() = default;

void BackendRegistry::add(Backend backend) {
  if (backend.name.empty()) throw Error("backend.name", "a backend needs a name");
  const std::scoped_lock lock(state_->mutex);
  const std::string name = backend.name;
  if (!state_->by_name.emplace(name, std::make_shared<const Backend>(std::move(backend))).second) {
    throw Error("backend.name", cat("there is a backend ", quoted(name), " already"), "another name");
  }
}

void BackendRegistry::set(std::string_view name) {
  find(name);
  const std::scoped_lock lock(state_->mutex);
  state_->chosen = name;
}

std::shared_ptr<const Backend> BackendRegistry::find(std::string_view name) const {
  const std::scoped_lock lock(state_->mutex);
  const auto found = state_->by_name.find(name);
  if (found == state_->by_name.end())
    throw Error("backend.unknown", cat("there is no backend ", quoted(name)), cat("one of: ", state_->list()));
  return found->second;
}

std::shared_ptr<const Backend> BackendRegistry::get() const {
  const std::scoped_lock lock(state_->mutex);
  const auto& by_name = state_->by_name;
  if (!state_->chosen.empty()) return by_name.find(state_->chosen)->second;
  if (by_name.empty()) throw Error("backend.none", "there is no backend", "adding one: backends().add(...)");
  if (by_name.size() > 1) {
    throw Error("backend.choice", cat("there are several backends and none is chosen: ", state_->list()),
                "set_backend(NAME)");
  }
  return by_name.begin()->second;
}

std::vector<std::string> BackendRegistry::names() const {
  const std::scoped_lock lock(state_->mutex);
  std::vector<std::string> names;
  for (const auto& [name, backend] : state_->by_name) names.push_back(name);
  return names;
}

void BackendRegistry::reset(std::vector<Backend> backends) {
  const std::scoped_lock lock(state_->mutex);
  state_->by_name.clear();
  state_->chosen.clear();
  for (Backend& backend : backends) {
    const std::string name = backend.name;
    state_->by_name.emplace(name, std::make_shared<const Backend>(std::move(backend)));
  }
}

// The one choice that outlives a call: what a process works for is a property of the process.
BackendRegistry& backends() {
  static BackendRegistry registry({tensorrt_backend()});
  return registry;
}

void set_backend(std::string_view name) { backends().set(name); }
std::shared_ptr<const Backend> get_backend() { return backends().get(); }
std::shared_ptr<const Backend> or_used(std::shared_ptr<const Backend> backend) {
  return backend ? std::move(backend) : get_backend();
}
std::vector<std::string> discover_backends() { return backends().names(); }
void reset_backends() { backends().reset({tensorrt_backend()}); }

}  // namespace graftwork::core
