// Recording a live network: it runs once, and the operators that it calls become a network.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace graftwork::core {

struct LoadedNetwork;

/// Takes as many tensors as it was recorded with, gives its results.
using Forward = std::function<std::vector<at::Tensor>(const std::vector<at::Tensor>& inputs)>;

/// Tensors by qualified name ("layer1.0.conv1.weight"), in the module's order.
using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

/// The module around the operator that is being run.
struct ModulePlace {
  std::string path;      ///< "layer1.0.conv1"; empty in the network itself.
  bool is_body = false;  ///< Whether that is one of torch's own modules, whose body the operator is.
  std::string source;    ///< "model.py:88", where it is known.
};

struct RecordOptions {
  /// Names of the inputs in the graph. Those that are missing are "x", or "x_0", "x_1", … where there are several.
  std::vector<std::string> inputs = {};
  /// Names of the results. Those that are missing are "output", or "output_0", "output_1", …
  std::vector<std::string> outputs = {};
  /// Asked once for each operator, while it runs. Without it places follow from the names of the parameters that
  /// operators read.
  std::function<ModulePlace()> place = {};
};

/// Runs `forward` once, without gradients, and records the operators that this thread calls: those that forward calls
/// itself, not those that operators are made of. What they read that is neither an input nor named here becomes a
/// constant. Parameters and buffers are shared with the network, and tied ones stay tied.
///
/// Extents are those of `inputs`; a batch that nothing in the network fixes may differ later (holds_for_any_batch).
/// What no recording can see is fixed as it was: branches, loops, numbers that are read out of tensors. Where an
/// operator shows that, LoadedNetwork::warnings says so; verify_replay finds the rest.
///
/// Buffers that it writes to are as before afterwards, also where it throws; random numbers that it draws are drawn
/// (KeptRandomNumbers puts them back).
///
/// Throws what `forward` throws, as it is; Error "capture.input" (undefined, sparse, twice the same name),
/// "capture.alias", "pt2.in_place", "pt2.graph". Safe to call from many threads.
LoadedNetwork record(const Forward& forward, const std::vector<at::Tensor>& inputs, const NamedTensors& parameters,
                     const NamedTensors& buffers, const RecordOptions& options = {});

/// Inputs of the same shapes and types with other values, always the same ones: those given, in another order, negated
/// where they have both signs; normal ones where all are one floating-point number.
std::vector<at::Tensor> other_inputs(const std::vector<at::Tensor>& inputs);

/// Runs the network by its reference semantics, and `forward`, on inputs that it was not recorded with. Throws Error
/// "capture.replay" when a result has another shape or type, or differs by more than rounding (10⁻⁴ of its largest
/// element, half precision 2 · 10⁻²): it names the result and the difference, and what `loaded` says was fixed. Nothing
/// is written to `inputs`, and buffers are left as they are.
void verify_replay(const LoadedNetwork& loaded, const Forward& forward, const std::vector<at::Tensor>& inputs,
                   const NamedTensors& buffers = {});

}  // namespace graftwork::core
