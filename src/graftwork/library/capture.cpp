#include <graftwork/capture.h>

#include "graftwork/base/text.h"
#include "graftwork/import/recorded/record.h"
#include "graftwork/library/state.h"

namespace graftwork {

Network capture(const Forward& forward, const std::vector<at::Tensor>& inputs, const NamedTensors& parameters,
                const NamedTensors& buffers, const CaptureOptions& options) {
  core::RecordOptions how;
  how.inputs = options.input_names;
  how.outputs = options.output_names;
  core::LoadedNetwork loaded = core::record(forward, inputs, parameters, buffers, how);
  if (options.replay) {
    core::verify_replay(loaded, forward,
                        options.replay_inputs.empty() ? core::other_inputs(inputs) : options.replay_inputs);
  }
  return detail::network_of(std::move(loaded));
}

namespace detail {

void require_capture(bool is_capture) {
  if (is_capture) return;
  throw Error("capture.trace", "a module of C++ is neither exported nor traced symbolically", "Trace::CAPTURE");
}

void refuse_input_count(size_t inputs) {
  throw Error("capture.input", core::cat("its forward does not take ", core::counted(inputs, "tensor")),
              "as many inputs as forward takes, eight at most");
}

}  // namespace detail
}  // namespace graftwork
