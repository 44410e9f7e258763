// Samples that are handed over and not kept for long.
#pragma once

#include <ATen/ATen.h>

#include <deque>
#include <vector>

#include "graftwork/quant/micro_batch.h"
#include "graftwork/quant/sample_source.h"

namespace graftwork::core {

/// All that was pushed, as a source of samples of which the first ones are gone.
class SampleWindow final : public SampleSource {
 public:
  explicit SampleWindow(Batching batching) : batching_(std::move(batching)) {}

  /// A tensor for each input, which is copied; they hold so many samples (InputCheck::samples_in).
  void push(const std::vector<at::Tensor>& inputs, int64_t samples);
  /// The samples in front of `sample` may go.
  void drop_before(int64_t sample);
  /// A window of the first `count` samples, or as many as there are, that shares their tensors. None of them may be
  /// gone.
  SampleWindow first(int64_t count) const;

  int64_t size() const override { return size_; }
  /// Of what is still there.
  std::vector<at::Tensor> samples(int64_t begin, int64_t end) const override;
  /// Of one sample; 0 as long as there is none.
  size_t bytes_of_one() const;

  /// Some samples that are still there.
  struct Batch {
    int64_t begin;
    int64_t end;
    std::vector<at::Tensor> inputs;
  };
  const std::deque<Batch>& batches() const { return batches_; }
  /// A window of `size` samples, which has these: the last of them, without a gap.
  SampleWindow restored(std::deque<Batch> batches, int64_t size) const;

 private:
  std::vector<at::Tensor> samples_of(const Batch& batch, int64_t begin, int64_t end) const;

  Batching batching_;
  std::deque<Batch> batches_;
  int64_t size_ = 0;
};

}  // namespace graftwork::core
