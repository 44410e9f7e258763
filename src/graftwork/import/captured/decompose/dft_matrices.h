// The discrete Fourier transform as a product with a constant matrix, from the right: a row of samples times the matrix
// is a row of bins. Real and imaginary parts stand side by side, all real ones first.
#pragma once

#include "graftwork/import/captured/decompose/pairs.h"

namespace graftwork::core::captured {

/// By what a transform of n points is divided; torch's numbers.
enum class DftScale : uint8_t { kNone = 0, kRoot = 1, kCount = 2 };

/// A transform of `points`, of which the first `rows` are given and the others are 0.
struct Dft {
  int64_t points = 0;
  int64_t rows = 0;
  DftScale scale = DftScale::kNone;
  at::ScalarType dtype = at::kFloat;
};

/// Of real samples, the first `bins`: [rows, 2 · bins].
FormConstant real_dft_matrix(const Dft& dft, int64_t bins);
/// Of complex numbers: [2 · rows, 2 · points]. The inverse has the other sign and no scale of its own.
FormConstant complex_dft_matrix(const Dft& dft, bool inverse);
/// From the bins of real samples, those up to the middle, to the samples: [2 · rows, points].
FormConstant real_inverse_dft_matrix(const Dft& dft);

}  // namespace graftwork::core::captured
