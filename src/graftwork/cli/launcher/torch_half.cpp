#include "graftwork/cli/launcher/torch_half.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/cli/entry_points.h"
#include "graftwork/cli/launcher/find_torch.h"
#include "graftwork/cli/launcher/isolation.h"

namespace graftwork::core::cli {
namespace {

#ifdef GRAFTWORK_WITH_TORCH

constexpr const char* kLibrary = "libgraftwork_torch.so";

[[noreturn]] void refuse(const std::string& what) {
  // What the system's loader says where the process may reserve no more.
  if (what.find("failed to map segment") != std::string::npos ||
      what.find("annot allocate memory") != std::string::npos)
    throw Error("memory", what, "a higher limit of memory (ulimit -v), or a machine with more");
  throw Error("build.torch", what, "installing graftwork again, or building it with `make build`");
}

std::string last_reason() {
  const char* const reason = ::dlerror();
  return reason ? reason : "no reason given";
}

/// OpenMP's threads wait for work by spinning unless they are told otherwise, which takes the processors from those
/// that have some: calibration runs threads of its own. Whoever has set it himself is left alone. OpenMP reads it when
/// it is loaded, which is why the launcher says it.
void let_idle_threads_sleep() {
  if (!std::getenv("GOMP_SPINCOUNT")) ::setenv("OMP_WAIT_POLICY", "passive", 0);
}

/// Libraries of torch that are open already are what the torch half gets, by their names.
void open_torch(const std::filesystem::path& package) {
  for (const char* const name : {"libc10.so", "libtorch_cpu.so"}) {
    const std::filesystem::path library = package / "lib" / name;
    if (!::dlopen(library.c_str(), RTLD_LAZY | RTLD_LOCAL)) refuse(cat("torch cannot be opened: ", last_reason()));
  }
}

/// Never closed: torch cannot be unloaded.
void* open_library() {
  let_idle_threads_sleep();
  const std::filesystem::path installed = installed_folder();
  const std::filesystem::path path = installed / "lib" / "graftwork" / kLibrary;
  if (!std::filesystem::exists(path)) refuse(cat("there is no ", path.string()));
  const auto named = named_torch();
  if (named) open_torch(*named);
  // By itself it looks for torch where its run path says: lib/graftwork/torch, or in a build what it was linked to.
  void* library = ::dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (!library && !named) {
    const std::string reason = last_reason();
    try {
      open_torch(torch_beside(installed));
    } catch (Error& error) {
      throw error.at(reason);
    }
    library = ::dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL);
  }
  if (!library) refuse(cat("the torch half of graftwork cannot be opened: ", last_reason()));
  return library;
}

template <class Function>
Function* find(void* library, const char* name) {
  void* symbol = ::dlsym(library, name);
  if (!symbol) refuse(cat(kLibrary, " is of another build: it has no ", name));
  return reinterpret_cast<Function*>(symbol);
}

template <class Request>
[[noreturn]] void run(const char* entry_point, Request request) {
  ChildProgress* const progress = request.open.isolated ? continue_in_child(request.model, request.files) : nullptr;
  if (progress) request.open.opened = &progress->has_opened;
  void* const library = open_library();
  if (progress) progress->has_libraries = true;
  const std::string version = find<decltype(graftwork_torch_version)>(library, "graftwork_torch_version")();
  if (version != GRAFTWORK_VERSION) {
    refuse(cat(kLibrary, " is version ", version, ", this is " GRAFTWORK_VERSION));
  }
  auto* const work = find<int(const Request&) noexcept>(library, entry_point);
  if (progress) progress->is_in_library = true;
  const int status = work(request);
  if (progress) progress->is_in_library = false;
  // Everything is written; torch's static destructors would take another 0.2 s to give back what the system takes back.
  std::fflush(nullptr);
  std::_Exit(status);
}

#else

template <class Request>
[[noreturn]] void run(const char*, const Request&) {
  throw Error("build.torch",
              "this graftwork was built without torch: it can inspect, explain, transform and plan .gir files only",
              "a build with GRAFTWORK_WITH_TORCH=ON");
}

#endif

}  // namespace

void run_torch_half(const QuantizeRequest& request) { run("graftwork_torch_quantize", request); }
void run_torch_half(const TransformRequest& request) { run("graftwork_torch_transform", request); }
void run_torch_half(const PlanRequest& request) { run("graftwork_torch_plan", request); }
void run_torch_half(const ExplainRequest& request) { run("graftwork_torch_explain", request); }
void run_torch_half(const InspectRequest& request) { run("graftwork_torch_inspect", request); }
void run_torch_half(const RunRequest& request) { run("graftwork_torch_run", request); }
void run_torch_half(const CompareRequest& request) { run("graftwork_torch_compare", request); }
void run_torch_half(const SensitivityRequest& request) { run("graftwork_torch_sensitivity", request); }

}  // namespace graftwork::core::cli
