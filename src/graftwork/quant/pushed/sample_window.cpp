#include "graftwork/quant/pushed/sample_window.h"

#include <algorithm>

#include "graftwork/base/error.h"

namespace graftwork::core {

void SampleWindow::push(const std::vector<at::Tensor>& inputs, int64_t samples) {
  Batch batch{size_, size_ + samples, {}};
  for (const at::Tensor& input : inputs) batch.inputs.push_back(input.detach().clone());
  batches_.push_back(std::move(batch));
  size_ += samples;
}

void SampleWindow::drop_before(int64_t sample) {
  while (!batches_.empty() && batches_.front().end <= sample) batches_.pop_front();
}

SampleWindow SampleWindow::first(int64_t count) const {
  SampleWindow window(batching_);
  for (const Batch& batch : batches_) {
    const int64_t end = std::min(batch.end, count);
    if (end <= batch.begin) break;
    window.batches_.push_back({batch.begin, end, samples_of(batch, batch.begin, end)});
    window.size_ = end;
  }
  return window;
}

SampleWindow SampleWindow::restored(std::deque<Batch> batches, int64_t size) const {
  SampleWindow window(batching_);
  window.batches_ = std::move(batches);
  window.size_ = size;
  return window;
}

std::vector<at::Tensor> SampleWindow::samples_of(const Batch& batch, int64_t begin, int64_t end) const {
  std::vector<at::Tensor> inputs = batch.inputs;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (batching_.batched[i]) inputs[i] = inputs[i].slice(0, begin - batch.begin, end - batch.begin);
  }
  return inputs;
}

std::vector<at::Tensor> SampleWindow::samples(int64_t begin, int64_t end) const {
  std::vector<std::vector<at::Tensor>> parts(batching_.batched.size());
  for (const Batch& batch : batches_) {
    const int64_t from = std::max(begin, batch.begin), to = std::min(end, batch.end);
    if (from >= to) continue;
    const std::vector<at::Tensor> own = samples_of(batch, from, to);
    for (size_t i = 0; i < own.size(); ++i) {
      if (batching_.batched[i] || parts[i].empty()) parts[i].push_back(own[i]);
    }
  }
  std::vector<at::Tensor> inputs;
  for (const std::vector<at::Tensor>& part : parts) {
    GRAFTWORK_ASSERT(!part.empty());
    inputs.push_back(part.size() == 1 ? part[0] : at::cat(part));
  }
  return inputs;
}

size_t SampleWindow::bytes_of_one() const {
  if (batches_.empty()) return 0;
  const Batch& batch = batches_.front();
  size_t bytes = 0;
  for (const at::Tensor& input : batch.inputs) bytes += input.nbytes();
  return bytes / static_cast<size_t>(batch.end - batch.begin);
}

}  // namespace graftwork::core
