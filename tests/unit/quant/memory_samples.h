// Calibration samples that lie in memory.
#pragma once

#include "graftwork/quant/sample_source.h"

namespace graftwork::core::testing {

/// The samples of one input, in the order given.
class MemorySamples final : public SampleSource {
 public:
  explicit MemorySamples(at::Tensor samples) : samples_(std::move(samples)) {}
  int64_t size() const override { return samples_.size(0); }
  std::vector<at::Tensor> samples(int64_t begin, int64_t end) const override { return {samples_.slice(0, begin, end)}; }

 private:
  at::Tensor samples_;
};

}  // namespace graftwork::core::testing
