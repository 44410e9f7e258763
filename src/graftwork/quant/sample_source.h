// Where calibration samples come from.
#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <vector>

#include "graftwork/import/data/dataset.h"
#include "graftwork/ir/graph_module.h"

namespace graftwork {

/// Samples of a network's inputs, in any order, from many threads.
class SampleSource {
 public:
  virtual ~SampleSource() = default;
  virtual int64_t size() const = 0;
  /// One tensor for each input, in signature order; the first axis holds samples begin … end − 1.
  virtual std::vector<at::Tensor> samples(int64_t begin, int64_t end) const = 0;
};

/// Files on disk, matched to the inputs by name (a single unnamed array fits a single input). Throws Error
/// "data.*" when names, shapes or types do not fit the network. At most `limit` samples (0: all).
std::unique_ptr<SampleSource> open_samples(const GraphModule& module, const std::filesystem::path& path,
                                           int64_t limit = 0);

/// Shares the array's bytes.
at::Tensor to_tensor(const Array& array);
/// A contiguous copy on the CPU.
Array to_array(const at::Tensor& tensor);

}  // namespace graftwork
