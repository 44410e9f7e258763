// Where calibration samples come from.
#pragma once

#include <ATen/ATen.h>

#include <string>
#include <vector>

namespace graftwork::core {

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

}  // namespace graftwork::core
