#include "graftwork/quant/sample_workers.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace graftwork::core {
namespace {

/// The first failure in sample order, whichever thread meets one first: messages do not depend on luck.
class FirstFailure {
 public:
  void note(int64_t index, std::exception_ptr failure) {
    const std::scoped_lock lock(mutex_);
    if (index >= at_) return;
    at_ = index;
    failure_ = std::move(failure);
  }
  /// Work behind a failure is pointless; work in front of it may still fail earlier.
  bool stops(int64_t index) const { return index > at_.load(); }
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::mutex mutex_;
  std::atomic<int64_t> at_{std::numeric_limits<int64_t>::max()};
  std::exception_ptr failure_;
};

/// Sets torch's threads for a while.
class ThreadCount {
 public:
  explicit ThreadCount(int count) : before_(at::get_num_threads()) { at::set_num_threads(count); }
  ~ThreadCount() { at::set_num_threads(before_); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_;
};

}  // namespace

SampleWorkers::SampleWorkers(int threads, int64_t micro_batches)
    : micro_batches_(micro_batches),
      count_(
          std::clamp<int64_t>(threads > 0 ? threads : at::get_num_threads(), 1, std::max<int64_t>(micro_batches, 1))) {}

void SampleWorkers::run(const std::function<void(int64_t index, int64_t worker)>& work) const {
  const ThreadCount single(1);
  std::atomic<int64_t> next{0};
  FirstFailure failure;
  const auto take = [&](int64_t worker) {
    for (;;) {
      const int64_t index = next++;
      if (index >= micro_batches_ || failure.stops(index)) return;
      try {
        work(index, worker);
      } catch (...) {
        failure.note(index, std::current_exception());
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    try {
      for (int64_t worker = 1; worker < count_; ++worker) {
        threads.emplace_back([&take, worker] {
          at::set_num_threads(1);
          take(worker);
        });
      }
    } catch (const std::system_error&) {
      // The process may make no more: the work is done by those that there are.
    }
    take(0);
  }
  failure.rethrow();
}

}  // namespace graftwork::core
