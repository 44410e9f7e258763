#include "graftwork/cli/launcher/torch_half.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/cli/entry_points.h"

namespace graftwork::core::cli {
namespace {

#ifdef GRAFTWORK_WITH_TORCH

[[noreturn]] void refuse(const std::string& what) {
  throw Error("build.torch", what, "building again with `make build`");
}

/// OpenMP's threads wait for work by spinning unless they are told otherwise, which takes the processors from those
/// that have some: calibration runs threads of its own. Whoever has set it himself is left alone. OpenMP reads it when
/// it is loaded, which is why the launcher says it.
void let_idle_threads_sleep() {
  if (!std::getenv("GOMP_SPINCOUNT")) ::setenv("OMP_WAIT_POLICY", "passive", 0);
}

/// Never closed: torch cannot be unloaded.
void* open_library() {
  let_idle_threads_sleep();
  // The loader replaces $ORIGIN by the folder of this executable.
  void* library = ::dlopen("$ORIGIN/../lib/libgraftwork_torch.so", RTLD_LAZY | RTLD_LOCAL);
  if (!library) {
    const char* reason = ::dlerror();
    refuse(cat("the torch half of graftwork cannot be opened: ", reason ? reason : "no reason given"));
  }
  return library;
}

template <class Function>
Function* find(void* library, const char* name) {
  void* symbol = ::dlsym(library, name);
  if (!symbol) refuse(cat("libgraftwork_torch.so is of another build: it has no ", name));
  return reinterpret_cast<Function*>(symbol);
}

template <class Request>
[[noreturn]] void run(const char* entry_point, const Request& request) {
  void* const library = open_library();
  const std::string version = find<decltype(graftwork_torch_version)>(library, "graftwork_torch_version")();
  if (version != GRAFTWORK_VERSION) {
    refuse(cat("libgraftwork_torch.so is version ", version, ", this is " GRAFTWORK_VERSION));
  }
  const int status = find<int(const Request&) noexcept>(library, entry_point)(request);
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
