#include "graftwork/quant/calibrator.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <unordered_set>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/kind.h"
#include "graftwork/nn/half.h"
#include "graftwork/nn/inference_runner.h"
#include "graftwork/nn/mask_values.h"
#include "graftwork/place/stub_plan.h"
#include "graftwork/quant/half_probe.h"
#include "graftwork/quant/micro_batch.h"
#include "graftwork/quant/moving_average.h"
#include "graftwork/quant/sample_workers.h"

namespace graftwork {
namespace {

/// The elements as they lie: torch would first copy a tensor of channels-last layout into its own order.
at::Tensor in_memory_order(const at::Tensor& value) {
  if (!value.is_non_overlapping_and_dense()) return value;
  return value.as_strided({value.numel()}, {1}, value.storage_offset());
}

/// Whether the input holds numbers alone, and −∞ where it is a mask.
bool is_usable(const at::Tensor& input, bool is_mask) {
  const at::Tensor usable = at::isfinite(input);
  return (is_mask ? at::logical_or(usable, at::isneginf(input)) : usable).all().item<bool>();
}

void check_finite(const GraphModule& module, const MaskValues& masks, const Batching& batching,
                  const std::vector<at::Tensor>& inputs, const SampleSource& source, int64_t first_sample) {
  const std::vector<Node*> nodes = module.graph().inputs();
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].is_floating_point()) continue;
    const bool is_mask = masks.is_absorbed(*nodes[i]);
    const int64_t count = batching.batched[i] ? inputs[i].size(0) : 1;
    for (int64_t k = 0; k < count; ++k) {
      if (is_usable(batching.batched[i] ? inputs[i][k] : inputs[i], is_mask)) continue;
      Error error("data.value",
                  cat("sample ", first_sample + k, " of input ", nodes[i]->name().str(), " holds NaN or infinity"),
                  "cleaning the calibration data");
      const std::string file = source.file(first_sample + k);
      throw file.empty() ? error : error.at(file);
    }
  }
}

/// A value that is watched, and its name: of a node, or of a value inside a module (inner_value_name).
struct WatchedValue {
  ValueRef value;
  Symbol name;
  bool is_ranged = true;  ///< Else only the probe asks for it.
};

/// Whether the network pads with infinity, as in front of max pooling: that has no range to watch, and is meant.
bool pads_with_infinity(const Node& node) {
  if (node.op() != Symbol("aten.pad.default") && node.op() != Symbol("aten.constant_pad_nd.default")) return false;
  const Attribute* value = node.attrs().find("value");
  return value && value->get<double>() && std::isinf(*value->get<double>());
}

std::vector<WatchedValue> watched_values(const GraphModule& module, const std::vector<Symbol>& tensors,
                                         const CalibrationOptions& options) {
  std::unordered_set<Symbol> named(tensors.begin(), tensors.end());
  named.insert(options.further.begin(), options.further.end());
  for (const auto& [name, axis] : options.channel_axes) named.insert(name);
  for (const auto& [name, axis] : options.channel_amax_axes) named.insert(name);
  std::vector<WatchedValue> values;
  for (const Node& node : module.graph().nodes()) {
    const bool float_call = node.kind() != NodeKind::kOutput && node.kind() != NodeKind::kConstant && node.tensor() &&
                            is_floating(node.tensor()->dtype) && !pads_with_infinity(node);
    const bool is_ranged = named.contains(node.name()) || (options.observe_all && float_call);
    if (is_ranged || (options.half_probe && options.half_probe->needs(node)))
      values.push_back({{&node, {}}, node.name(), is_ranged});
    if (node.kind() != NodeKind::kCallModule || !module.record(node).body) continue;
    const ModuleRecord& record = module.record(node);
    const Kind& kind = module.modules().kinds().at(record.kind);
    for (const Symbol value : inner_values(kind)) {
      const Symbol name = inner_value_name(record.path, value);
      if (named.contains(name)) values.push_back({{&node, value}, name});
    }
  }
  return values;
}

class Calibration {
 public:
  Calibration(const Network& network, const std::vector<Symbol>& tensors, const SampleSource& source,
              const CalibrationOptions& options)
      : network_(network),
        source_(source),
        options_(options),
        batching_(batching_of(network.module)),
        total_(batching_.micro_batches(source.size())),
        values_(watched_values(network.module, tensors, options)),
        runner_(network, references(values_)),
        masks_(network),
        quantized_(tensors.begin(), tensors.end()) {
    for (const WatchedValue& watched : values_) {
      if (!watched.is_ranged) continue;
      ranges_[watched.name.str()];
      names_.emplace(std::pair(watched.value.node, watched.value.inner), watched.name);
    }
  }

  std::map<std::string, Range> run() {
    if (source_.size() == 0) throw Error("data.empty", "there is no sample to calibrate with");
    const SampleWorkers workers(options_.threads, total_);
    std::vector<std::map<std::string, Range>> seen(static_cast<size_t>(workers.count()));
    workers.run([&](int64_t index, int64_t worker) {
      const at::NoGradGuard no_grad;
      observe(index, seen[static_cast<size_t>(worker)]);
    });
    for (const std::map<std::string, Range>& part : seen) {
      for (const auto& [name, range] : part) ranges_[name].merge(range);
    }
    for (const auto& [name, ends] : moving_.averages()) {
      ranges_[name].moving_min = ends.min;
      ranges_[name].moving_max = ends.max;
    }
    return std::move(ranges_);
  }

 private:
  static std::vector<ValueRef> references(const std::vector<WatchedValue>& values) {
    std::vector<ValueRef> found;
    for (const WatchedValue& watched : values) found.push_back(watched.value);
    return found;
  }

  void observe(int64_t index, std::map<std::string, Range>& seen) {
    if (options_.interrupted && options_.interrupted())
      throw Error("interrupted", "stopped before the calibration was done");
    const int64_t begin = index * batching_.size;
    const int64_t end = std::min(begin + batching_.size, source_.size());
    std::vector<at::Tensor> inputs = source_.samples(begin, end);
    check_finite(network_.module, masks_, batching_, inputs, source_, begin);
    std::unordered_map<const Node*, at::Tensor> kept;
    MovingAverage::Seen ends;
    const Watcher watcher = [&](const ValueRef& watched, at::Tensor& value) {
      if (const auto name = names_.find({watched.node, watched.inner}); name != names_.end())
        range(watched, name->second, value, seen[name->second.str()], ends, cat("samples ", begin, " to ", end - 1));
      if (options_.half_probe && watched.inner.empty() && options_.half_probe->needs(*watched.node))
        kept.emplace(watched.node, value);
    };
    runner_.run(filled_up(std::move(inputs), batching_), watcher, batching_.size == 1);
    if (options_.half_probe) options_.half_probe->look(kept);
    const std::scoped_lock lock(mutex_);
    moving_.add(index, std::move(ends));
    finished_ += end - begin;
    if (options_.progress) options_.progress(finished_, source_.size());
  }

  void range(const ValueRef& watched, Symbol name, const at::Tensor& value, Range& range, MovingAverage::Seen& seen,
             const std::string& samples) const {
    if (value.numel() == 0) return;
    at::Tensor values =
        in_memory_order(value.is_floating_point() && value.scalar_type() != at::kFloat ? value.to(at::kFloat) : value);
    Ends ends = ends_of(values);
    if (ends.min < -kLargestHalf && watched.inner.empty() && !quantized_.contains(name)) {
      if (const std::optional<double> mask = masks_.threshold(*watched.node)) {
        values = values.masked_select(values > *mask);
        if (values.numel() == 0) return;
        ends = ends_of(values);
      }
    }
    if (!std::isfinite(ends.min) || !std::isfinite(ends.max)) {
      if (is_named(name)) {
        throw Error("data.value", cat("%", name.str(), " becomes NaN or infinite on ", samples),
                    "checking the network and the scaling of the data");
      }
      range.finite = false;
      values = values.masked_select(at::isfinite(values));
      if (values.numel() == 0) return;
      ends = ends_of(values);
    }
    range.include(ends.min, ends.max);
    if (options_.moving_averages && quantized_.contains(name)) seen[name.str()] = ends;
    if (options_.histograms && quantized_.contains(name))
      count(values, std::max(std::fabs(ends.min), std::fabs(ends.max)), range.histogram);
    if (const auto axis = options_.channel_axes.find(name); axis != options_.channel_axes.end())
      range.mean.add(value, axis->second);
    if (const auto axis = options_.channel_amax_axes.find(name); axis != options_.channel_amax_axes.end())
      range.channel_amax.add(value, axis->second);
  }

  /// Whether something is made of its range.
  bool is_named(Symbol name) const {
    return quantized_.contains(name) || options_.channel_axes.contains(name) ||
           options_.channel_amax_axes.contains(name) ||
           std::find(options_.further.begin(), options_.further.end(), name) != options_.further.end();
  }

  static Ends ends_of(const at::Tensor& values) {
    const auto [low, high] = at::aminmax(values);
    return {low.item<float>(), high.item<float>()};
  }

  static void count(const at::Tensor& values, float amax, Histogram& histogram) {
    const at::Tensor dense = values.contiguous();
    histogram.add({dense.const_data_ptr<float>(), static_cast<size_t>(dense.numel())}, amax);
  }

  const Network& network_;
  const SampleSource& source_;
  const CalibrationOptions& options_;
  Batching batching_;
  int64_t total_;
  std::vector<WatchedValue> values_;
  InferenceRunner runner_;
  std::map<std::pair<const Node*, Symbol>, Symbol> names_;
  MaskValues masks_;
  std::unordered_set<Symbol> quantized_;
  std::mutex mutex_;
  int64_t finished_ = 0;
  MovingAverage moving_;
  std::map<std::string, Range> ranges_;
};

}  // namespace

void Range::include(float low, float high) {
  min = seen ? std::min(min, low) : low;
  max = seen ? std::max(max, high) : high;
  seen = true;
}

void Range::merge(const Range& other) {
  finite &= other.finite;
  if (!other.seen) return;
  moving_min = seen ? std::min(moving_min, other.moving_min) : other.moving_min;
  moving_max = seen ? std::max(moving_max, other.moving_max) : other.moving_max;
  include(other.min, other.max);
  histogram.merge(other.histogram);
  mean.merge(other.mean);
  channel_amax.merge(other.channel_amax);
}

float Range::amax() const { return std::max(std::fabs(min), std::fabs(max)); }

std::map<std::string, Range> calibrate(const Network& network, const std::vector<Symbol>& tensors,
                                       const SampleSource& source, const CalibrationOptions& options) {
  return Calibration(network, tensors, source, options).run();
}

}  // namespace graftwork
