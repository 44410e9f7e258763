#include "graftwork/quant/loss/signal_error.h"

#include <cmath>
#include <limits>

namespace graftwork {

void SignalError::add(const at::Tensor& reference, const at::Tensor& signal) {
  at::Tensor wanted = reference.to(at::kDouble), found = signal.to(at::kDouble);
  const at::Tensor finite = at::isfinite(wanted);
  if (!finite.all().item<bool>()) {
    wanted = wanted.masked_select(finite);
    found = found.masked_select(finite);
  }
  reference_ += wanted.square().sum().item<double>();
  signal_ += found.square().sum().item<double>();
  product_ += (wanted * found).sum().item<double>();
  error_ += (wanted - found).square().sum().item<double>();
  count_ += wanted.numel();
}

void SignalError::merge(const SignalError& other) {
  reference_ += other.reference_;
  signal_ += other.signal_;
  product_ += other.product_;
  error_ += other.error_;
  count_ += other.count_;
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

}  // namespace graftwork
