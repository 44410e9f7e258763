// What a network gives beside what it gives in floating point.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "graftwork/quant/loss/signal_error.h"
#include "graftwork/quant/sensitivity/labels.h"

namespace graftwork::core {

/// Of one network, summed over samples.
struct Effect {
  std::vector<SignalError>
      outputs;          ///< Against floating point, in signature order; those that are no floats are empty.
  int64_t correct = 0;  ///< Samples whose greatest value is at their label.

  /// Results on samples `first` and so on, of which there are `samples`; those behind them fill the micro-batch up.
  void add(std::span<const at::Tensor> expected, std::span<const at::Tensor> results, const Labels* labels,
           int64_t first, int64_t samples);
  void merge(const Effect& other);
  /// Of the output that keeps least.
  double sqnr_db() const;
  double cosine() const;

  /// As numbers: for each output the sums of its error, then `correct`.
  static size_t number_count(size_t outputs) { return outputs * std::tuple_size_v<SignalError::Sums> + 1; }
  void write(std::span<double> numbers) const;
  static Effect read(std::span<const double> numbers);
};

}  // namespace graftwork::core
