#include "graftwork/cli/entry_points.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/util/Logging.h>

#include <functional>
#include <new>

#include "graftwork/base/error.h"
#include "graftwork/cli/command_explain.h"
#include "graftwork/cli/command_inspect.h"
#include "graftwork/cli/command_plan.h"
#include "graftwork/cli/command_quantize.h"
#include "graftwork/cli/command_run.h"
#include "graftwork/cli/command_transform.h"
#include "graftwork/cli/guard.h"
#include "graftwork/cli/stages.h"

namespace graftwork::cli {
namespace {

/// `guarded`, with torch quiet, without gradients, and with torch's own failures put into our words.
int guarded_torch(const std::function<void()>& work) noexcept {
  return guarded([&] {
    FLAGS_caffe2_log_level = c10::GLOG_ERROR;
    const c10::NoGradGuard no_grad;
    try {
      work();
    } catch (const c10::Error& error) {
      const std::string message = error.what_without_backtrace();
      if (message.find("allocate memory") != std::string::npos) throw std::bad_alloc();
      throw InternalError("internal error: torch: " + message);
    }
  });
}

}  // namespace
}  // namespace graftwork::cli

using namespace graftwork::cli;

const char* graftwork_torch_build() noexcept { return GRAFTWORK_VERSION; }

int graftwork_torch_quantize(const QuantizeOptions& options) noexcept {
  return guarded_torch([&] { quantize(options); });
}

int graftwork_torch_transform(const TransformOptions& options) noexcept {
  return guarded_torch([&] {
    const graftwork::LoadedNetwork loaded = load_model(options.model);
    transform(loaded.network.module, loaded.unsupported, options);
  });
}

int graftwork_torch_plan(const PlanOptions& options) noexcept {
  return guarded_torch([&] { plan(load_model(options.model).network.module, options); });
}

int graftwork_torch_explain(const ExplainOptions& options) noexcept {
  return guarded_torch([&] { explain(load_model(options.model).network.module, options); });
}

int graftwork_torch_inspect(const InspectOptions& options) noexcept {
  return guarded_torch([&] {
    const graftwork::LoadedNetwork loaded = load_model(options.model);
    inspect(loaded.network.module, loaded.unsupported, options);
  });
}

int graftwork_torch_run(const RunOptions& options) noexcept {
  return guarded_torch([&] { run(options); });
}
