#include "graftwork/quant/calibrator.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/quant/checkpoint.h"
#include "graftwork/quant/observer.h"
#include "graftwork/quant/sample_workers.h"
#include "graftwork/quant/side_by_side.h"

namespace graftwork::core {
namespace {

constexpr double kSecondsBetweenCheckpoints = 10;

/// A file of its own for each process.
std::filesystem::path checkpoint_of(const CalibrationOptions& options) {
  std::filesystem::path path = options.checkpoint;
  if (options.exchange && options.exchange->size() > 1 && !path.empty())
    path += cat(".", options.exchange->rank() + 1, "-of-", options.exchange->size());
  return path;
}

/// The micro-batches that are this process's share: [first, end).
class Share {
 public:
  Share(const Observer& observer, const CalibrationOptions& options) : observer_(observer), options_(options) {
    const int64_t all = observer.micro_batches();
    const int64_t rank = options.exchange ? options.exchange->rank() : 0;
    const int64_t size = options.exchange ? options.exchange->size() : 1;
    first_ = all * rank / size;
    end_ = all * (rank + 1) / size;
  }

  /// Goes on behind `checkpoint`, and calls `keep` now and then.
  void run(Checkpoint& checkpoint, const std::function<void(const Checkpoint&)>& keep) {
    using Clock = std::chrono::steady_clock;
    const int64_t count = end_ - first_;
    int64_t round = keep ? SampleWorkers(options_.threads, count).count() : count;
    while (checkpoint.done < count) {
      const Clock::time_point begin = Clock::now();
      const int64_t next = std::min(checkpoint.done + round, count);
      observe(first_ + checkpoint.done, first_ + next, checkpoint.statistics);
      const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
      const auto done = static_cast<double>(next - checkpoint.done);
      round =
          std::max<int64_t>(round, static_cast<int64_t>(done * kSecondsBetweenCheckpoints / std::max(seconds, 1e-3)));
      checkpoint.done = next;
      if (keep) keep(checkpoint);
    }
  }

 private:
  int64_t samples_before(int64_t micro_batch) const {
    return micro_batch == first_ ? 0
                                 : observer_.samples_of(micro_batch - 1).second - observer_.samples_of(first_).first;
  }

  void observe(int64_t begin, int64_t end, Statistics& statistics) {
    int64_t finished = samples_before(begin);
    observe_side_by_side(observer_, begin, end, options_, statistics, [&](int64_t micro_batch, const auto&) {
      const auto [first, last] = observer_.samples_of(micro_batch);
      finished += last - first;
      if (options_.progress) options_.progress(finished, samples_before(end_));
    });
  }

  const Observer& observer_;
  const CalibrationOptions& options_;
  int64_t first_ = 0;
  int64_t end_ = 0;
};

/// What all processes have seen.
Statistics joined(Statistics own, const std::string& identity, Exchange& exchange) {
  const std::vector<std::string> identities = exchange.gather(identity);
  for (size_t rank = 0; rank < identities.size(); ++rank) {
    if (identities[rank] == identities[0]) continue;
    throw Error("process.other", cat("process ", rank, " has another model, recipe or data than process 0"),
                "starting all of them with the same arguments");
  }
  const std::vector<std::string> parts = exchange.gather(to_bytes(own));
  Statistics all;
  for (const std::string& part : parts) all.merge(statistics_of(part));
  return all;
}

}  // namespace

Statistics calibrate(const Network& network, const StatisticsRequest& request, const SampleSource& source,
                     const CalibrationOptions& options) {
  if (source.size() == 0) throw Error("data.empty", "there is no sample to calibrate with");
  const Observer observer(network, request, source);
  Share share(observer, options);
  const std::filesystem::path path = checkpoint_of(options);
  Checkpoint checkpoint;
  std::string identity;
  if (!path.empty() || options.exchange) identity = calibration_identity(network, request, source);
  if (path.empty()) {
    share.run(checkpoint, {});
  } else {
    if (std::optional<Checkpoint> before = read_checkpoint(path, identity)) checkpoint = std::move(*before);
    share.run(checkpoint, [&](const Checkpoint& now) {
      if (options.before_keeping) options.before_keeping();
      write_checkpoint(path, identity, now);
    });
  }
  Statistics statistics = options.exchange ? joined(std::move(checkpoint.statistics), identity, *options.exchange)
                                           : std::move(checkpoint.statistics);
  complete(statistics, request);
  return statistics;
}

}  // namespace graftwork::core
