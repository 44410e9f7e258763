// Mean of each channel over a set of samples.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace graftwork::core {

/// By the name of a tensor.
using ChannelMeans = std::map<std::string, std::vector<double>>;

/// Sums in fixed point, 63 bits in front of the point and 64 behind it: adding is exact, so the mean does not depend on
/// the order of samples, nor on which thread saw which. Channel means beyond ±2⁴⁰ count as that, which leaves room for
/// 2²³ micro-batches of them.
class ChannelMean {
 public:
  /// Samples of one micro-batch; channels along `axis`, negative from the back. Each micro-batch weighs the same.
  void add(const at::Tensor& values, int64_t axis);
  void merge(const ChannelMean& other);
  bool empty() const { return count_ == 0; }
  /// [channels], double. Requires !empty().
  at::Tensor value() const;

  __extension__ using Fixed = __int128;
  /// In units of 2⁻⁶⁴, by channel, over count() micro-batches.
  const std::vector<Fixed>& sums() const { return sums_; }
  int64_t count() const { return count_; }
  static ChannelMean restored(std::vector<Fixed> sums, int64_t count);

 private:
  std::vector<Fixed> sums_;
  int64_t count_ = 0;
};

}  // namespace graftwork::core
