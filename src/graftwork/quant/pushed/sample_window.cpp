#include "graftwork/quant/pushed/sample_window.h"

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core {

int64_t SampleWindow::count(const std::vector<at::Tensor>& inputs) const {
  if (inputs.size() != inputs_.size()) {
    throw Error(
        "data.shape",
        cat("the network has ", counted(inputs_.size(), "input"), " (", join(inputs_), "), not ", inputs.size()),
        "a tensor for each input, in this order");
  }
  int64_t samples = -1;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!batching_.batched[i]) continue;
    const int64_t rows = inputs[i].dim() == 0 ? 0 : inputs[i].size(0);
    if (rows == 0 || (samples >= 0 && rows != samples)) {
      throw Error("data.shape",
                  cat("input ", inputs_[i], " has ", rows, " samples",
                      samples < 0 ? "" : cat(", an input in front of it ", samples)),
                  "tensors whose first axis counts the same samples");
    }
    samples = rows;
  }
  return samples < 0 ? 1 : samples;
}

void SampleWindow::push(const std::vector<at::Tensor>& inputs) {
  const int64_t rows = count(inputs);
  Batch batch{size_, size_ + rows, {}};
  for (const at::Tensor& input : inputs) batch.inputs.push_back(input.detach().clone());
  batches_.push_back(std::move(batch));
  size_ += rows;
}

void SampleWindow::drop_before(int64_t sample) {
  while (!batches_.empty() && batches_.front().end <= sample) batches_.pop_front();
}

SampleWindow SampleWindow::first(int64_t count) const {
  SampleWindow window(inputs_, batching_);
  for (const Batch& batch : batches_) {
    const int64_t end = std::min(batch.end, count);
    if (end <= batch.begin) break;
    window.batches_.push_back({batch.begin, end, samples_of(batch, batch.begin, end)});
    window.size_ = end;
  }
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
  std::vector<std::vector<at::Tensor>> parts(inputs_.size());
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
