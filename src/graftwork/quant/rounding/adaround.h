// AdaRound: each weight up or down, as training decides.
#pragma once

#include <ATen/ATen.h>

#include <functional>

#include "graftwork/nn/fake_quant.h"

namespace graftwork::core {

struct AdaRoundOptions {
  int64_t iterations = 300;
  /// A bias makes up for the mean of an output's error: what is kept small is its variance.
  bool mean_is_corrected = false;
  /// Polled now and then; true stops with Error "interrupted".
  std::function<bool()> interrupted = {};
};

/// Codes ⌊w/s⌋ + h with h in {0, 1}, within the range, that keep Σ ‖(Ŵ − W) x‖² small over rows x that the layer reads
/// (Nagel et al. 2020, "Up or Down? Adaptive Rounding for Post-Training Quantization"): Adam on V with
/// h = clip(1.2 · sigmoid(V) − 0.1, 0, 1), from where h gives the float weight, and with λ Σ 1 − |2h − 1|^β, which is
/// absent for the first fifth of the iterations and drives h to 0 or 1 as β falls from 20 to 2. An output channel
/// whose error on the rows is not less than with its nearest codes has those.
///
/// Errors count in steps of the codes and inputs by their mean square, so that λ is no matter of units. Where a group
/// reads few numbers each iteration takes all rows, as their second moments; else a batch of them, in an order of
/// chance that is always the same. Rows that are few against the numbers in each say little of how these go together:
/// the moments are drawn to those of inputs that do not, by in / (in + 20 · rows).
///
/// The work comes in blocks of output channels, each one thread's, in any order: the result is the same.
class AdaRound {
 public:
  /// `weight`: [out, …], finite; `scales`: as fake_quantize takes them along axis 0; `range`: of whole numbers;
  /// `rows`: [groups, rows, in], of one row at least.
  AdaRound(const at::Tensor& weight, const at::Tensor& scales, QuantRange range, const at::Tensor& rows,
           AdaRoundOptions options);

  int64_t blocks() const;
  void round_block(int64_t index);
  /// Codes · scales, like the weight, once all blocks are rounded: its nearest codes are those that were chosen.
  at::Tensor result() const;

 private:
  struct Inputs {
    at::Tensor rows;     ///< [groups, rows, in]; undefined where the moments stand for them.
    at::Tensor moments;  ///< [groups, in, in], the mean of x xᵀ.
    double drawn = 0;    ///< The share of inputs that do not go together.

    at::Tensor gradient(const at::Tensor& error, int64_t iteration) const;
    at::Tensor mean_square(const at::Tensor& error) const;
  };
  /// For which weights the upper code is chosen, `span` above the lower one.
  at::Tensor goes_up(const at::Tensor& lower_error, const at::Tensor& span, const Inputs& inputs) const;

  AdaRoundOptions options_;
  QuantRange range_;
  at::Tensor like_;
  at::Tensor weight_, scales_, chosen_;  // [groups, out / groups, in]; the last is codes · scales
  Inputs inputs_;
  int64_t axis_ = 0;  // that blocks are parts of: groups, or the outputs of the only group
  int64_t step_ = 0;  // of a block, along it
};

}  // namespace graftwork::core
