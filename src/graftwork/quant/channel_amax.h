// Largest magnitude of each channel over a set of samples.
#pragma once

#include <ATen/ATen.h>

namespace graftwork::core {

/// A maximum is exact: it does not depend on the order of samples, nor on which thread saw which.
class ChannelAmax {
 public:
  /// Channels along `axis`, negative from the back.
  void add(const at::Tensor& values, int64_t axis);
  void merge(const ChannelAmax& other);
  bool empty() const { return !amax_.defined(); }
  /// [channels], float. Requires !empty().
  const at::Tensor& value() const { return amax_; }
  /// From a value(), or an undefined tensor.
  static ChannelAmax restored(at::Tensor amax);

 private:
  at::Tensor amax_;
};

}  // namespace graftwork::core
