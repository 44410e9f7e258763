#include "graftwork/import/recorded/record.h"

#include "graftwork/import/captured/build_network.h"
#include "graftwork/import/recorded/free_batch.h"
#include "graftwork/import/recorded/kept_memory.h"
#include "graftwork/import/recorded/recording.h"

namespace graftwork::core {
namespace {

/// What bounds folding: of the tensors that the network has.
size_t bytes_of(const TensorStore& tensors) {
  size_t bytes = 0;
  for (const auto& [name, tensor] : tensors) bytes += tensor.nbytes();
  return bytes;
}

}  // namespace

LoadedNetwork record(const Forward& forward, const std::vector<at::Tensor>& inputs, const NamedTensors& parameters,
                     const NamedTensors& buffers, const RecordOptions& options) {
  recorded::Recording recording(options);
  recording.add_inputs(inputs);
  recording.add_stored(parameters, /*are_trainable=*/true);
  recording.add_stored(buffers, /*are_trainable=*/false);
  std::vector<at::Tensor> results;
  recorded::leaving_as_it_was(buffers,
                              [&] { captured::observe_operators(recording, [&] { results = forward(inputs); }); });
  captured::Program program = recording.finish(results);
  recorded::free_batch(program);
  const size_t bytes = bytes_of(recording.tensors);
  LoadedNetwork loaded = captured::build_network(std::move(program), std::move(recording.tensors), bytes);
  loaded.warnings = std::move(recording.warnings);
  loaded.draws = recording.draws;
  return loaded;
}

}  // namespace graftwork::core
