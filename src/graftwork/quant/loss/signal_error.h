// How near one signal is to another.
#pragma once

#include <ATen/ATen.h>

#include <array>

namespace graftwork::core {

/// Sums over elements, in double precision. What is not finite in the reference, as in masks, is left out; what is not
/// finite in the signal alone is an infinite error.
class SignalError {
 public:
  /// Two tensors of one shape, of floating point.
  void add(const at::Tensor& reference, const at::Tensor& signal);
  void merge(const SignalError& other);

  /// 10 · log10(Σ reference² / Σ (reference − signal)²), dB; infinite where nothing differs, −infinite where the signal
  /// is not finite or the reference is zero throughout.
  double sqnr_db() const;
  /// Of the angle between the two as vectors; 1 where both are zero throughout, 0 where one is, or is not finite.
  double cosine() const;
  bool empty() const { return count_ == 0; }

  /// All that is summed, to keep it and go on later; what was made of it is equal to the bit.
  using Sums = std::array<double, 5>;
  Sums sums() const { return {reference_, signal_, product_, error_, static_cast<double>(count_)}; }
  static SignalError of(const Sums& sums);

 private:
  void add(const float* reference, const float* signal, int64_t count);

  double reference_ = 0;  // Σ reference²
  double signal_ = 0;     // Σ signal²
  double product_ = 0;    // Σ reference · signal
  double error_ = 0;      // Σ (reference − signal)²
  int64_t count_ = 0;
};

}  // namespace graftwork::core
