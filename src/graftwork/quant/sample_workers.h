// Micro-batches side by side, each on one thread.
#pragma once

#include <cstdint>
#include <functional>

namespace graftwork::core {

/// Threads that take micro-batches in turns while torch uses one thread for each: what is computed of one does not
/// depend on how many there are.
class SampleWorkers {
 public:
  /// `threads`: 0 for as many as torch would use. No more than there are micro-batches.
  SampleWorkers(int threads, int64_t micro_batches);

  int64_t count() const { return count_; }
  /// Calls work(index, worker) once for each micro-batch; `worker` is below count(). Throws the first failure in the
  /// micro-batches' order, whichever thread met one first.
  void run(const std::function<void(int64_t index, int64_t worker)>& work) const;

 private:
  int64_t micro_batches_;
  int64_t count_;
};

}  // namespace graftwork::core
