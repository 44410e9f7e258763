// Whether data are scaled as a network was trained, judged by its first batch norm.
#pragma once

#include <ATen/ATen.h>

#include <string>

namespace graftwork::core {

/// A convolution that reads an input, and the batch norm behind it. All in double precision; patches are what the
/// convolution's window covers, their elements ordered as im2col does, channel by channel.
struct NormedConv {
  at::Tensor weight;        ///< [outputs, elements of a patch]
  at::Tensor bias;          ///< [outputs]
  at::Tensor running_mean;  ///< [outputs]
  at::Tensor running_var;   ///< [outputs]
  double eps = 0;
  int64_t channels = 0;     ///< Of the input.
  at::Tensor patch_mean;    ///< E[p], [elements]
  at::Tensor patch_moment;  ///< E[p pᵀ], [elements, elements]
};

/// What the batch norm finds in front of it, beside what it was trained with.
struct NormFit {
  double shift = 0;           ///< Root mean square over outputs of (mean − running mean) / running deviation.
  double variance_ratio = 1;  ///< Median over outputs of variance / running variance.
  /// Mean over outputs of the Kullback-Leibler divergence of normal distributions, ½ (r + d² − 1 − ln r), each at most
  /// 4: 0 where all is as in training; below 0.1 where other data of the kind are seen.
  double divergence = 0;
  bool is_mismatch = false;
  std::string explanation = {};  ///< The change of the input that explains a mismatch; empty where none does.
};

/// Whether running statistics say nothing: as they are initialised, or hardly moved from there.
bool is_untrained(const at::Tensor& running_mean, const at::Tensor& running_var);

/// A mismatch is a divergence above 0.5, or above 0.1 where one of the usual mistakes explains it: numbers 0 to 255 for
/// 0 to 1 or the other way round, mean and deviation left out or taken twice, channels as BGR. What a change of the
/// input does to mean and variance of each output follows from the moments of patches, as convolutions are linear.
NormFit fit_of(const NormedConv& conv);

}  // namespace graftwork::core
