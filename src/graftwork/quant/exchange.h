// Processes that share a calibration.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace graftwork::core {

/// All processes of a job, each with the same network and data.
class Exchange {
 public:
  virtual ~Exchange() = default;
  /// 0 to size() − 1.
  virtual int64_t rank() const = 0;
  virtual int64_t size() const = 0;
  /// Every process gives its bytes and gets all of them, by rank. Each process makes the same calls in the same order.
  /// Throws Error "process.*" when another one failed.
  virtual std::vector<std::string> gather(std::string bytes) = 0;
};

}  // namespace graftwork::core
