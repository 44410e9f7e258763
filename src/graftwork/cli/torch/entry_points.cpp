#include "graftwork/cli/entry_points.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/util/Logging.h>

#include <functional>

#include "graftwork/base/error.h"
#include "graftwork/cli/graph/command_explain.h"
#include "graftwork/cli/graph/command_inspect.h"
#include "graftwork/cli/graph/command_plan.h"
#include "graftwork/cli/graph/command_transform.h"
#include "graftwork/cli/output/guard.h"
#include "graftwork/cli/torch/compare/command_compare.h"
#include "graftwork/cli/torch/quantize/command_quantize.h"
#include "graftwork/cli/torch/run/command_run.h"
#include "graftwork/cli/torch/sensitivity/command_sensitivity.h"
#include "graftwork/cli/torch/stages.h"
#include "graftwork/cli/torch/threads.h"
#include "graftwork/nn/torch_failure.h"

namespace graftwork::core::cli {
namespace {

/// `guarded`, with torch quiet, without gradients, and with torch's own failures put into our words.
int guarded_torch(const std::function<void()>& work) noexcept {
  return guarded([&] {
    FLAGS_caffe2_log_level = c10::GLOG_ERROR;
    const c10::NoGradGuard no_grad;
    limit_threads();
    try {
      work();
    } catch (const c10::Error&) {
      Error error = in_our_words("torch");
      if (error.code() == "torch") throw InternalError("internal error: torch: " + error.message());
      throw error;
    }
  });
}

}  // namespace
}  // namespace graftwork::core::cli

using namespace graftwork::core::cli;

const char* graftwork_torch_version() noexcept { return GRAFTWORK_VERSION; }

int graftwork_torch_quantize(const QuantizeRequest& request) noexcept {
  return guarded_torch([&] { quantize(request); });
}

int graftwork_torch_transform(const TransformRequest& request) noexcept {
  return guarded_torch([&] {
    const graftwork::core::LoadedNetwork loaded = load_as_it_is(request.model, request.open);
    transform(loaded.network.module, unusable(loaded), request);
  });
}

int graftwork_torch_plan(const PlanRequest& request) noexcept {
  return guarded_torch([&] {
    const graftwork::core::LoadedNetwork loaded = load_as_it_is(request.model, request.open);
    plan(loaded.network.module, request);
  });
}

int graftwork_torch_explain(const ExplainRequest& request) noexcept {
  return guarded_torch([&] {
    const graftwork::core::LoadedNetwork loaded = load_as_it_is(request.model, request.open);
    explain(loaded.network.module, request);
  });
}

int graftwork_torch_inspect(const InspectRequest& request) noexcept {
  return guarded_torch([&] {
    const graftwork::core::LoadedNetwork loaded = load_as_it_is(request.model, request.open, request.quiet);
    if (request.quiet) return;
    inspect(loaded.network.module, unusable(loaded), request);
  });
}

int graftwork_torch_run(const RunRequest& request) noexcept {
  return guarded_torch([&] { run(request); });
}

int graftwork_torch_compare(const CompareRequest& request) noexcept {
  return guarded_torch([&] { compare(request); });
}

int graftwork_torch_sensitivity(const SensitivityRequest& request) noexcept {
  return guarded_torch([&] { sensitivity(request); });
}
