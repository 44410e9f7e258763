#include "graftwork/quant/loss/layer_losses.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <unordered_map>

#include "graftwork/base/error.h"
#include "graftwork/base/memory.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/kinds/quant.h"
#include "graftwork/nn/dtypes.h"
#include "graftwork/nn/inference_runner.h"
#include "graftwork/quant/measured_samples.h"
#include "graftwork/quant/micro_batch.h"
#include "graftwork/quant/sample_workers.h"

namespace graftwork::core {
namespace {

bool is_float(const Node& node) { return node.tensor() && is_floating(node.tensor()->dtype); }

/// Whether the module rounds what it reads, or the weight of a layer.
bool is_quantized(const GraphModule& module, const Node& call) {
  if (call.kind() != NodeKind::kCallModule || !module.record(call).body) return false;
  const ModuleRecord& record = module.record(call);
  const bool rounds_weight =
      std::any_of(record.body->layers.begin(), record.body->layers.end(),
                  [&](const BodyLayer& layer) { return static_cast<bool>(weight_quantizer(record, layer)); });
  if (rounds_weight) return true;
  const auto inputs = call.inputs();
  return std::any_of(inputs.begin(), inputs.end(), [](const Use& use) { return is_quant_stub(*use.producer()); });
}

Symbol first_layer(const GraphModule& module, const Node& call) {
  const ModuleRecord& record = module.record(call);
  const std::vector<BodyLayer>& layers = record.body->layers;
  return layers.empty() ? record.path : module.modules()[record.child(layers.front().role)].path;
}

/// The tensors that the node gives: itself, or the elements of its tuple.
std::vector<const Node*> results_of(const Node& node) {
  if (node.tensor()) return {&node};
  std::vector<const Node*> results;
  for (const Use* use = node.uses(); use; use = use->next()) results.push_back(use->user());
  return results;
}

class Comparison {
 public:
  Comparison(const Network& network, const Network& quantized, const SampleSource& source, const LossOptions& options)
      : source_(source),
        options_(options),
        batching_(batching_of(network.module)),
        values_(compared_values(network, quantized)),
        float_(network, refs(&Compared::in_float)),
        quantized_(quantized, refs(&Compared::in_quantized)),
        outputs_(network.module.signature().outputs) {
    chosen_ = measured_micro_batches(batching_, source.size(), options.samples);
  }

  Losses run() {
    std::vector<Losses> parts(chosen_.size());
    const auto compare_one = [&](int64_t i, int64_t) {
      const at::NoGradGuard no_grad;
      parts[static_cast<size_t>(i)] = compare(chosen_[static_cast<size_t>(i)]);
    };
    const auto count = static_cast<int64_t>(chosen_.size());
    const int64_t threads = options_.threads > 0 ? options_.threads : at::get_num_threads();
    if (count >= threads) {
      SampleWorkers(options_.threads, count).run(compare_one);
    } else {
      for (int64_t i = 0; i < count; ++i) compare_one(i, 0);
    }
    Losses sum = empty_losses();
    for (const Losses& part : parts) {  // in this order, so that sums do not depend on the threads
      sum.samples += part.samples;
      for (size_t i = 0; i < sum.outputs.size(); ++i) sum.outputs[i].error.merge(part.outputs[i].error);
      for (size_t i = 0; i < sum.kernels.size(); ++i) {
        sum.kernels[i].own.merge(part.kernels[i].own);
        sum.kernels[i].all.merge(part.kernels[i].all);
      }
    }
    std::erase_if(sum.outputs, [](const OutputLoss& output) { return output.error.empty(); });
    return sum;
  }

 private:
  struct Compared {
    Symbol module;
    Symbol layer;
    const Node* in_float = nullptr;
    const Node* in_quantized = nullptr;
  };

  static std::vector<Compared> compared_values(const Network& network, const Network& quantized) {
    std::unordered_map<Symbol, const Node*> twins;
    for (const Node& node : network.module.graph().nodes()) twins.emplace(node.name(), &node);
    std::vector<Compared> values;
    for (const Node& node : quantized.module.graph().nodes()) {
      if (!is_quantized(quantized.module, node)) continue;
      for (const Node* result : results_of(node)) {
        const auto twin = twins.find(result->name());
        if (twin == twins.end() || !is_float(*result)) continue;
        values.push_back(
            {quantized.module.record(node).path, first_layer(quantized.module, node), twin->second, result});
      }
    }
    return values;
  }

  std::vector<ValueRef> refs(const Node* Compared::*where) const {
    std::vector<ValueRef> found;
    for (const Compared& value : values_) found.push_back({value.*where, {}});
    return found;
  }

  Losses empty_losses() const {
    Losses losses;
    for (const Symbol output : outputs_) losses.outputs.push_back({output, {}});
    for (const Compared& value : values_)
      losses.kernels.push_back({value.module, value.layer, value.in_float->name(), {}, {}});
    return losses;
  }

  Losses compare(int64_t index) const {
    if (options_.interrupted && options_.interrupted())
      throw Error("interrupted", "stopped before the losses were measured");
    Losses losses = empty_losses();
    const int64_t begin = index * batching_.size, end = std::min(begin + batching_.size, source_.size());
    losses.samples = end - begin;
    const std::vector<at::Tensor> inputs = filled_up(source_.samples(begin, end), batching_);
    const bool any_batch = batching_.size == 1;

    // Three runs side by side, so that a value is kept no longer than until it was compared: in floating point, with
    // everything quantized, and with each kernel's own quantization alone.
    std::unordered_map<Symbol, at::Tensor> expected;
    const Watcher keep = [&](const ValueRef& seen, at::Tensor& value) { expected.emplace(seen.node->name(), value); };
    Program::Run in_float = float_.start(inputs, keep, any_batch);
    const auto reference_of = [&](const ValueRef& seen) -> const at::Tensor& {
      const Symbol name = seen.node->name();
      while (!expected.contains(name) && in_float.advance()) {
      }
      return expected.at(name);
    };
    std::unordered_map<Symbol, size_t> places;
    for (size_t i = 0; i < losses.kernels.size(); ++i) places.emplace(losses.kernels[i].value, i);
    // How many numbers there are may depend on the values.
    const Watcher compare_all = [&](const ValueRef& seen, at::Tensor& value) {
      const at::Tensor& reference = reference_of(seen);
      if (value.sizes() == reference.sizes()) losses.kernels[places.at(seen.node->name())].all.add(reference, value);
    };
    const Watcher compare_own = [&](const ValueRef& seen, at::Tensor& value) {
      const at::Tensor& reference = reference_of(seen);
      if (value.sizes() == reference.sizes()) {
        losses.kernels[places.at(seen.node->name())].own.add(reference, value);
        value = reference;
      }
      expected.erase(seen.node->name());
    };
    Program::Run all = quantized_.start(inputs, compare_all, any_batch);
    Program::Run own = quantized_.start(inputs, compare_own, any_batch);
    while (all.advance()) own.advance();
    while (in_float.advance()) {
    }
    const std::vector<at::Tensor> results = in_float.results(), found = all.results();
    for (size_t i = 0; i < results.size(); ++i) {
      if (results[i].is_floating_point() && results[i].sizes() == found[i].sizes())
        losses.outputs[i].error.add(results[i], found[i]);
    }
    return losses;
  }

  const SampleSource& source_;
  const LossOptions& options_;
  Batching batching_;
  std::vector<Compared> values_;
  InferenceRunner float_, quantized_;
  std::vector<Symbol> outputs_;
  std::vector<int64_t> chosen_;
};

}  // namespace

Losses measure_losses(const Network& network, const Network& quantized, const SampleSource& source,
                      const LossOptions& options) {
  trim_heap();
  return Comparison(network, quantized, source, options).run();
}

std::vector<const KernelLoss*> worst_kernels(const Losses& losses, size_t count) {
  std::vector<const KernelLoss*> kernels;
  for (const KernelLoss& kernel : losses.kernels) kernels.push_back(&kernel);
  std::ranges::stable_sort(kernels, {}, [](const KernelLoss* kernel) { return kernel->own.sqnr_db(); });
  kernels.resize(std::min(kernels.size(), count));
  return kernels;
}

}  // namespace graftwork::core
