#include "graftwork/quant/side_by_side.h"

#include <mutex>

#include "graftwork/base/error.h"
#include "graftwork/quant/sample_workers.h"

namespace graftwork::core {

void observe_side_by_side(const Observer& observer, int64_t begin, int64_t end, const CalibrationOptions& options,
                          Statistics& statistics, const ObservedMicroBatch& done) {
  const SampleWorkers workers(options.threads, end - begin);
  std::vector<Statistics> seen(static_cast<size_t>(workers.count()));
  std::vector<std::pair<int64_t, MovingAverage::Seen>> moving;  // a run that fails leaves nothing behind
  std::mutex mutex;
  workers.run([&](int64_t index, int64_t worker) {
    const at::NoGradGuard no_grad;
    if (options.interrupted && options.interrupted())
      throw Error("interrupted", "stopped before the calibration was done");
    const int64_t micro_batch = begin + index;
    Observer::Observed observed = observer.observe(micro_batch, seen[static_cast<size_t>(worker)]);
    const std::scoped_lock lock(mutex);
    moving.emplace_back(micro_batch, std::move(observed.ends));
    done(micro_batch, observed);
  });
  for (auto& [micro_batch, ends] : moving) statistics.moving.add(micro_batch, std::move(ends));
  for (const Statistics& part : seen) statistics.merge(part);
}

}  // namespace graftwork::core
