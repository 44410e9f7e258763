// Runs a network on a micro-batch and takes the statistics that are asked for.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "graftwork/nn/inference_runner.h"
#include "graftwork/quant/input_check.h"
#include "graftwork/quant/micro_batch.h"
#include "graftwork/quant/sample_source.h"
#include "graftwork/quant/statistics.h"

namespace graftwork::core {

/// Masks (nn/mask_values.h) count for no range, empty tensors have none.
class Observer {
 public:
  /// Refers to all of them.
  Observer(const Network& network, const StatisticsRequest& request, const SampleSource& source);

  const Batching& batching() const { return check_.batching(); }
  int64_t micro_batches() const { return batching().micro_batches(source_.size()); }
  /// The first sample of a micro-batch, and the one behind its last.
  std::pair<int64_t, int64_t> samples_of(int64_t micro_batch) const;

  struct Observed {
    MovingAverage::Seen ends;         ///< Of ranges, for moving averages: they depend on the order.
    std::vector<at::Tensor> results;  ///< Of the network, in signature order; copies of the last sample fill them up.
  };
  /// Adds what is seen on a micro-batch. Safe to call from many threads, for `statistics` of their own. Throws Error
  /// "data.value" (NaN or infinity in a sample, −∞ in a mask aside, or in a value that is asked for by name, with the
  /// samples), "nn.*".
  Observed observe(int64_t micro_batch, Statistics& statistics) const;

 private:
  struct Watched {
    Symbol name;
    const ValueRequest* request;  ///< Null: the value is ranged as one of all.
  };

  void watch_values();
  void observe(const ValueRef& value, const Watched& watched, const at::Tensor& tensor, int64_t micro_batch,
               Range& range, MovingAverage::Seen& ends) const;

  const Network& network_;
  const StatisticsRequest& request_;
  const SampleSource& source_;
  InputCheck check_;
  std::vector<ValueRef> references_;
  std::map<std::pair<const Node*, Symbol>, Watched> watched_;
  std::optional<InferenceRunner> runner_;
};

}  // namespace graftwork::core
