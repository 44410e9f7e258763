#include <graftwork/capture.h>

#include <set>

#include "graftwork/base/text.h"
#include "graftwork/import/captured/observe_operators.h"
#include "graftwork/import/recorded/kept_random_numbers.h"
#include "graftwork/import/recorded/record.h"
#include "graftwork/library/state.h"

namespace graftwork {
namespace {

/// Throws `code` unless the names are different ones, of no more than `count` values.
void check_names(const std::vector<std::string>& names, size_t count, const char* code, const char* noun) {
  const std::set<std::string> different(names.begin(), names.end());
  if (names.size() <= count && different.size() == names.size() && !different.contains("")) return;
  throw Error(
      code,
      core::cat("the names of its ", noun, "s are ", core::join(names), ", and there are ", core::counted(count, noun)),
      "a name of its own for each, or none at all");
}

}  // namespace

Network capture(const Forward& forward, const std::vector<at::Tensor>& inputs, const NamedTensors& parameters,
                const NamedTensors& buffers, const CaptureOptions& options) {
  check_names(options.input_names, inputs.size(), "capture.input", "input");
  core::RecordOptions how;
  how.inputs = options.input_names;
  how.outputs = options.output_names;
  if (!options.replay_inputs.empty() && options.replay_inputs.size() != inputs.size()) {
    throw Error("capture.input",
                core::cat("there are ", core::counted(inputs.size(), "input"), ", and ", options.replay_inputs.size(),
                          " to replay with"),
                "as many of them");
  }
  // Where another capture runs this one, it records what the network does, not how it is captured.
  const core::captured::Unobserved unobserved;
  core::KeptRandomNumbers random_numbers(inputs);
  core::LoadedNetwork loaded = core::record(forward, inputs, parameters, buffers, how);
  check_names(options.output_names, loaded.network.module.signature().outputs.size(), "capture.output", "result");
  if (options.replay) {
    core::verify_replay(loaded, forward,
                        options.replay_inputs.empty() ? core::other_inputs(inputs) : options.replay_inputs, buffers);
  }
  if (!loaded.draws) random_numbers.nothing_was_drawn();
  return detail::network_of(std::move(loaded));
}

namespace detail {

void require_capture(bool is_capture) {
  if (is_capture) return;
  throw Error("capture.trace", "a module of C++ is neither exported nor traced symbolically", "Trace::CAPTURE");
}

void refuse_no_module() { throw Error("capture.input", "there is no module behind the pointer", "one that is made"); }

void refuse_input_count(size_t inputs) {
  throw Error("capture.input", core::cat("its forward does not take ", core::counted(inputs, "tensor")),
              "as many inputs as forward takes, eight at most");
}

}  // namespace detail
}  // namespace graftwork
