#include "graftwork/quant/observer.h"

#include <algorithm>
#include <cmath>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/kind.h"
#include "graftwork/nn/half.h"
#include "graftwork/place/stub_plan.h"

namespace graftwork::core {
namespace {

/// The elements as they lie: torch would first copy a tensor of channels-last layout into its own order.
at::Tensor in_memory_order(const at::Tensor& value) {
  if (!value.is_non_overlapping_and_dense()) return value;
  return value.as_strided({value.numel()}, {1}, value.storage_offset());
}

/// Whether the network pads with infinity, as in front of max pooling: that has no range to watch, and is meant.
bool pads_with_infinity(const Node& node) {
  if (node.op() != Symbol("aten.pad.default") && node.op() != Symbol("aten.constant_pad_nd.default")) return false;
  const Attribute* value = node.attrs().find("value");
  return value && value->get<double>() && std::isinf(*value->get<double>());
}

bool is_float_call(const Node& node) {
  return node.kind() != NodeKind::kOutput && node.kind() != NodeKind::kConstant && node.tensor() &&
         is_floating(node.tensor()->dtype) && !pads_with_infinity(node);
}

Ends ends_of(const at::Tensor& values) {
  const auto [low, high] = at::aminmax(values);
  return {low.item<float>(), high.item<float>()};
}

void count(const at::Tensor& values, const Ends& ends, Histogram& histogram) {
  const at::Tensor dense = values.contiguous();
  histogram.add({dense.const_data_ptr<float>(), static_cast<size_t>(dense.numel())},
                std::max(std::fabs(ends.min), std::fabs(ends.max)));
}

}  // namespace

Observer::Observer(const Network& network, const StatisticsRequest& request, const SampleSource& source)
    : network_(network), request_(request), source_(source), check_(network) {
  watch_values();
  runner_.emplace(network, references_);
}

void Observer::watch_values() {
  const auto request_of = [&](Symbol name) {
    const auto request = request_.values.find(name);
    return request == request_.values.end() ? nullptr : &request->second;
  };
  for (const Node& node : network_.module.graph().nodes()) {
    const ValueRequest* request = request_of(node.name());
    const bool is_ranged = request || (request_.every_float && is_float_call(node));
    if (is_ranged) watched_.emplace(std::pair(&node, Symbol()), Watched{node.name(), request});
    if (is_ranged || (request_.half_probe && request_.half_probe->needs(node))) references_.push_back({&node, {}});
    if (node.kind() != NodeKind::kCallModule || !network_.module.record(node).body) continue;
    const ModuleRecord& record = network_.module.record(node);
    for (const Symbol value : inner_values(network_.module.modules().kinds().at(record.kind))) {
      const Symbol name = inner_value_name(record.path, value);
      const ValueRequest* inner = request_of(name);
      if (!inner) continue;
      watched_.emplace(std::pair(&node, value), Watched{name, inner});
      references_.push_back({&node, value});
    }
  }
}

std::pair<int64_t, int64_t> Observer::samples_of(int64_t micro_batch) const {
  const int64_t begin = micro_batch * batching().size;
  return {begin, std::min(begin + batching().size, source_.size())};
}

Observer::Observed Observer::observe(int64_t micro_batch, Statistics& statistics) const {
  const auto [begin, end] = samples_of(micro_batch);
  std::vector<at::Tensor> inputs = source_.samples(begin, end);
  check_.is_finite(inputs, begin, &source_);
  if (request_.input_probe) request_.input_probe->look(inputs, statistics.inputs);
  std::unordered_map<const Node*, at::Tensor> kept;
  Observed observed;
  const Watcher watcher = [&](const ValueRef& value, at::Tensor& tensor) {
    if (const auto watched = watched_.find({value.node, value.inner}); watched != watched_.end())
      observe(value, watched->second, tensor, micro_batch, statistics.ranges[watched->second.name.str()],
              observed.ends);
    if (request_.half_probe && value.inner.empty() && request_.half_probe->needs(*value.node))
      kept.emplace(value.node, tensor);
  };
  observed.results = runner_->run(filled_up(std::move(inputs), batching()), watcher, batching().size == 1);
  if (request_.half_probe) request_.half_probe->look(kept, statistics.half);
  return observed;
}

void Observer::observe(const ValueRef& value, const Watched& watched, const at::Tensor& tensor, int64_t micro_batch,
                       Range& range, MovingAverage::Seen& seen) const {
  if (tensor.numel() == 0) return;
  const ValueRequest* request = watched.request;
  at::Tensor values = in_memory_order(
      tensor.is_floating_point() && tensor.scalar_type() != at::kFloat ? tensor.to(at::kFloat) : tensor);
  Ends ends = ends_of(values);
  if (ends.min < -kLargestHalf && value.inner.empty() && !(request && request->quantized)) {
    if (const std::optional<double> mask = check_.masks().threshold(*value.node)) {
      values = values.masked_select(values > *mask);
      if (values.numel() == 0) return;
      ends = ends_of(values);
    }
  }
  if (!std::isfinite(ends.min) || !std::isfinite(ends.max)) {
    if (request) {
      const auto [begin, end] = samples_of(micro_batch);
      // A factor of ours is not to blame for what it is given.
      const bool is_scaled = value.inner.empty() && value.node->op() == Symbol("ChannelScale");
      const Symbol name = is_scaled ? value.node->input(0).name() : watched.name;
      throw Error("data.value", cat("%", name.str(), " becomes NaN or infinite on samples ", begin, " to ", end - 1),
                  "checking the network and the scaling of the data");
    }
    range.finite = false;
    values = values.masked_select(at::isfinite(values));
    if (values.numel() == 0) return;
    ends = ends_of(values);
  }
  range.include(ends.min, ends.max);
  if (!request) return;
  if (request->moving_average) seen.emplace_back(watched.name, ends);
  if (request->histogram) count(values, ends, range.histogram);
  if (request->amax_axis) range.channel_amax.add(tensor, *request->amax_axis);
  if (request->mean_axis) range.mean.add(tensor, *request->mean_axis);
}

}  // namespace graftwork::core
