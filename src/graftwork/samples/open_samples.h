// Files on disk as samples of a network's inputs.
#pragma once

#include <filesystem>
#include <memory>

#include "graftwork/data/image/preprocess.h"
#include "graftwork/ir/graph_module.h"
#include "graftwork/quant/sample_source.h"

namespace graftwork::core {

/// Which samples to take, and what to make of pictures.
struct SampleOptions {
  /// At most so many samples, 0: all. The first ones of arrays, pictures spread evenly over the folder.
  int64_t limit = 0;
  ImageOptions images;
  /// Of bytes that arrays are unpacked to, and pictures are made to; 0: what the machine has left then.
  int64_t memory_limit = 0;
};

/// Arrays, matched to the inputs by name (a single unnamed array fits a single input), or pictures for the only input.
/// Throws Error "data.*" when names, shapes or types do not fit the network, with the input and the file. Samples throw
/// Error "memory.limit" where they do not fit.
std::unique_ptr<SampleSource> open_samples(const GraphModule& module, const std::filesystem::path& path,
                                           const SampleOptions& options = {});

/// What pictures must become for an input of the network.
ImageInput image_input(const Node& input);

}  // namespace graftwork::core
