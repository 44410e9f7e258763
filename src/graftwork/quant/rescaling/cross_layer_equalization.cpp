#include "graftwork/quant/rescaling/cross_layer_equalization.h"

#include <algorithm>
#include <map>

#include "graftwork/ir/body.h"
#include "graftwork/nn/fold_batch_norm.h"
#include "graftwork/quant/rescaling/channel_factors.h"
#include "graftwork/quant/rescaling/channel_reads.h"

namespace graftwork::core {
namespace {

/// A channel whose weights are a smaller share of the largest carries its bias alone: what makes its weights grow would
/// make the bias the largest value of all.
constexpr double kDead = 1e-4;
/// No factor is larger, nor smaller than 1 over it.
constexpr double kMost = 64;

constexpr int kMostTurns = 20;
constexpr double kSettled = 1e-3;

struct Link {
  ChannelSource source;  // the layer, or the batch norm behind it
  ModuleId layer;
  at::Tensor affine;  // |factor| of the batch norm for each channel; undefined without
  std::vector<ChannelReader> readers;
  at::Tensor factors;
  EqualizedPair pair;
};

class Equalization {
 public:
  explicit Equalization(Network& network) : network_(network), uses_(network.module) {
    for (ChannelSource& source : channel_sources(network.module)) add(std::move(source));
  }

  std::vector<EqualizedPair> run() {
    for (int turn = 0; turn < kMostTurns; ++turn) {
      if (take_turn() < kSettled) break;
    }
    Graft graft(network_.module);
    std::vector<EqualizedPair> pairs;
    for (Link& link : links_) {
      if (link.pair.refusal.empty()) move(graft, link);
      pairs.push_back(std::move(link.pair));
    }
    graft.apply();
    return pairs;
  }

 private:
  const ModuleTable& modules() const { return network_.module.modules(); }

  void add(ChannelSource source) {
    const ModuleId layer = layer_of(source);
    if (!layer) return;
    ChannelReads reads;
    reads.refusal = source.refusal;
    if (reads.refusal.empty()) reads = channel_reads(network_.module, *source.value, source.layout);
    // Through attention is what SmoothQuant does.
    const auto all = static_cast<size_t>(source.channels);
    if (!reads.attention.empty() || source.layout.channels().size() != all) return;
    Link link{std::move(source), layer, {}, std::move(reads.readers), {}, {}};
    link.pair.source = modules()[layer].path;
    for (const ChannelReader& reader : link.readers) link.pair.readers.push_back(modules()[reader.layer].path);
    link.pair.refusal = reads.refusal.empty() ? refusal_of(link) : reads.refusal;
    if (link.pair.refusal.empty()) {
      if (layer != link.source.module)
        link.affine = batch_norm_affine(modules()[link.source.module], network_.tensors).factor.abs();
      link.factors = at::ones({link.source.channels}, at::kDouble);
      remember(layer);
      for (const ChannelReader& reader : link.readers) remember(reader.layer);
    }
    links_.push_back(std::move(link));
  }

  /// The layer whose output channels are the source's; a false id for a norm of something else.
  ModuleId layer_of(const ChannelSource& source) const {
    const std::string& kind = modules()[source.module].kind.str();
    if (kind == "nn.Linear" || kind.starts_with("nn.Conv")) return source.module;
    const ModuleRecord& kernel = network_.module.record(*source.call);
    if (!kind.starts_with("nn.BatchNorm") || !kernel.body) return {};
    for (const BodyLayer& layer : kernel.body->layers) {
      if (layer.batch_norm && kernel.child(layer.batch_norm->role()) == source.module) return kernel.child(layer.role);
    }
    return {};
  }

  std::string refusal_of(const Link& link) const {
    if (link.readers.empty()) return "no layer reads it";
    const ModuleId kernel = link.source.call->module();
    for (const ModuleId part : {link.layer, link.source.module}) {
      if (const Outcome takes = takes_factors(network_.module, uses_, part, kernel); !takes) return takes.reason();
    }
    const ModuleRecord& record = network_.module.record(*link.source.call);
    const BodyLayer* part = record.body ? layer_at(modules(), record, modules()[link.layer].path) : nullptr;
    const ModuleId quantizer = part ? weight_quantizer(record, *part) : weight_quantizer(modules()[link.layer]);
    if (quantizer && modules()[quantizer].param("scale")) return "it has scales that the network brought";
    for (const ChannelReader& reader : link.readers) {
      const Outcome takes = takes_factors(network_.module, uses_, reader.layer, modules().find(reader.kernel));
      if (!takes) return takes.reason();
    }
    return {};
  }

  void remember(ModuleId layer) {
    if (weights_.contains(layer)) return;
    weights_.emplace(layer, evaluate(*modules()[layer].param("weight"), network_.tensors).clone());
  }

  /// Equalizes each pair once; by how much, relatively, the factor that moved most did.
  double take_turn() {
    double most = 0;
    for (Link& link : links_) {
      if (!link.pair.refusal.empty()) continue;
      const ModuleRecord& layer = modules()[link.layer];
      at::Tensor rows = output_channel_amax(layer, weights_.at(link.layer)).to(at::kDouble);
      if (link.affine.defined()) rows = rows * link.affine / link.factors;
      at::Tensor columns = at::zeros({link.source.channels});
      for (const ChannelReader& reader : link.readers) {
        const at::Tensor inputs = input_channel_amax(modules()[reader.layer], weights_.at(reader.layer));
        columns = at::maximum(columns, by_channel(inputs, reader.channels, link.source.channels));
      }
      columns = columns.to(at::kDouble);
      const at::Tensor wanted = (rows / columns).sqrt();
      const at::Tensor alive = at::logical_and(rows > kDead * rows.max(), columns > kDead * columns.max());
      const at::Tensor factors = at::where(alive, link.factors * wanted, link.factors).clamp(1 / kMost, kMost);
      const at::Tensor step = factors / link.factors;
      most = std::max(most, (step - 1).abs().max().item<double>());
      link.factors = factors;
      // A batch norm takes the factors itself: the weight in front of it stays.
      if (!link.affine.defined())
        weights_.at(link.layer).mul_(output_factors(layer, step.reciprocal(), weights_.at(link.layer)).to(at::kFloat));
      for (const ChannelReader& reader : link.readers) {
        at::Tensor& weight = weights_.at(reader.layer);
        weight.mul_(input_factors(modules()[reader.layer], by_input(step, reader.channels), weight).to(at::kFloat));
      }
    }
    return most;
  }

  void move(Graft& graft, Link& link) {
    divide_channels(graft, link.source.module, link.factors, network_.tensors);
    for (const ChannelReader& reader : link.readers) multiply_inputs(graft, reader, link.factors, network_.tensors);
    link.pair.smallest = link.factors.min().item<double>();
    link.pair.largest = link.factors.max().item<double>();
  }

  Network& network_;
  ModuleUses uses_;
  std::vector<Link> links_;
  std::map<ModuleId, at::Tensor> weights_;  // as they are with the factors so far
};

}  // namespace

std::vector<EqualizedPair> equalize_layers(Network& network) {
  const at::NoGradGuard no_grad;
  return Equalization(network).run();
}

}  // namespace graftwork::core
