#include "graftwork/quant/loss/signal_error.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace graftwork::core {

void SignalError::add(const at::Tensor& reference, const at::Tensor& signal) {
  const at::Tensor wanted = reference.to(at::kFloat).contiguous(), found = signal.to(at::kFloat).contiguous();
  const int64_t count = wanted.numel();
  // Summed in parts of one size, so that sums do not depend on the threads.
  constexpr int64_t kPart = int64_t{1} << 16;
  std::vector<SignalError> parts(static_cast<size_t>((count + kPart - 1) / kPart));
  at::parallel_for(0, static_cast<int64_t>(parts.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      const int64_t first = part * kPart;
      parts[static_cast<size_t>(part)].add(wanted.const_data_ptr<float>() + first,
                                           found.const_data_ptr<float>() + first, std::min(kPart, count - first));
    }
  });
  for (const SignalError& part : parts) merge(part);
}

void SignalError::add(const float* reference, const float* signal, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    if (!std::isfinite(reference[i])) continue;
    const auto x = static_cast<double>(reference[i]), y = static_cast<double>(signal[i]);
    reference_ += x * x;
    signal_ += y * y;
    product_ += x * y;
    error_ += (x - y) * (x - y);
    ++count_;
  }
}

void SignalError::merge(const SignalError& other) {
  reference_ += other.reference_;
  signal_ += other.signal_;
  product_ += other.product_;
  error_ += other.error_;
  count_ += other.count_;
}

SignalError SignalError::of(const Sums& sums) {
  SignalError error;
  error.reference_ = sums[0];
  error.signal_ = sums[1];
  error.product_ = sums[2];
  error.error_ = sums[3];
  error.count_ = static_cast<int64_t>(sums[4]);
  return error;
}

double SignalError::sqnr_db() const {
  if (error_ == 0) return std::numeric_limits<double>::infinity();
  if (!std::isfinite(error_) || reference_ == 0) return -std::numeric_limits<double>::infinity();
  return 10 * std::log10(reference_ / error_);
}

double SignalError::cosine() const {
  if (reference_ == 0 && signal_ == 0) return 1;
  if (reference_ == 0 || signal_ == 0 || !std::isfinite(signal_)) return 0;
  return product_ / (std::sqrt(reference_) * std::sqrt(signal_));
}

}  // namespace graftwork::core
