// Where calibration samples come from.
#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <string>
#include <vector>

#include "graftwork/import/data/dataset.h"
#include "graftwork/import/data/image/preprocess.h"
#include "graftwork/ir/graph_module.h"

namespace graftwork {

/// Samples of a network's inputs, in any order, from many threads.
class SampleSource {
 public:
  virtual ~SampleSource() = default;
  virtual int64_t size() const = 0;
  /// One tensor for each input, in signature order; the first axis holds samples begin … end − 1. An input that is not
  /// batched (Batching) gets the one value that serves them all.
  virtual std::vector<at::Tensor> samples(int64_t begin, int64_t end) const = 0;
  /// The file that holds a sample, for messages; empty where there is none.
  virtual std::string file(int64_t) const { return {}; }
  /// What was made of the files, a line each, for people.
  virtual std::vector<std::string> facts() const { return {}; }
};

/// Which samples to take, and what to make of pictures.
struct SampleOptions {
  /// At most so many samples, 0: all. The first ones of arrays, pictures spread evenly over the folder.
  int64_t limit = 0;
  ImageOptions images;
};

/// Files on disk: arrays, matched to the inputs by name (a single unnamed array fits a single input), or pictures for
/// the only input. Throws Error "data.*" when names, shapes or types do not fit the network, with the input and the
/// file.
std::unique_ptr<SampleSource> open_samples(const GraphModule& module, const std::filesystem::path& path,
                                           const SampleOptions& options = {});

/// What pictures must become for an input of the network.
ImageInput image_input(const Node& input);

/// Shares the array's bytes.
at::Tensor to_tensor(const Array& array);
/// A contiguous copy on the CPU.
Array to_array(const at::Tensor& tensor);

}  // namespace graftwork
