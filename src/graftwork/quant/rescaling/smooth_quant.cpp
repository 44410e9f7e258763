#include "graftwork/quant/rescaling/smooth_quant.h"

#include <algorithm>
#include <set>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/ir/body.h"
#include "graftwork/place/skip_list.h"
#include "graftwork/quant/rescaling/channel_factors.h"
#include "graftwork/quant/rescaling/channel_reads.h"
#include "graftwork/quant/rescaling/smoothing_search.h"

namespace graftwork::core {
namespace {

/// Whether the body multiplies a softmax by something.
bool is_attention(const ModuleRecord& record) {
  if (!record.body) return false;
  for (const Node& node : record.body->module.graph().nodes()) {
    if (node.op() != Symbol("aten.matmul.default")) continue;
    if (node.input(0).op() == Symbol("aten.softmax.int")) return true;
  }
  return false;
}

struct Candidate {
  ChannelSource source;
  ChannelReads reads;
  SmoothingStrength alpha;
  SmoothedPair pair;
};

class Smoothing {
 public:
  Smoothing(Network& network, const StubPlan& plan, const QuantConfig& config, const SmoothingList& patterns)
      : network_(network),
        plan_(plan),
        config_(config),
        patterns_(patterns),
        uses_(network.module),
        skip_(config.skip.smooth, "smooth") {
    for (const PlannedWeight& weight : plan.weights) {
      if (weight.quantized) quantized_.insert(weight.layer);
    }
    find_pairs();
    find_attention_without_pair();
    follow_recipe();
  }

  std::vector<SmoothedPair> run(const SampleSource& samples, const CalibrationOptions& options) {
    StatisticsRequest statistics;
    for (const Candidate* candidate : open()) {
      for (const ChannelReader& reader : quantized_readers(*candidate))
        statistics.values[reader.input].amax_axis = input_axis(modules()[reader.layer]);
    }
    if (!statistics.values.empty()) {
      const std::map<std::string, Range> ranges = calibrate(network_, statistics, samples, options).ranges;
      set_factors(ranges, samples, options);
    }
    std::vector<SmoothedPair> pairs;
    for (Candidate& candidate : candidates_) pairs.push_back(std::move(candidate.pair));
    std::ranges::move(others_, std::back_inserter(pairs));
    return pairs;
  }

 private:
  const ModuleTable& modules() const { return network_.module.modules(); }

  bool is_taken(const ModuleRecord& source, bool through_attention) const {
    return std::ranges::any_of(patterns_,
                               [&](const auto& pattern) { return pattern->takes(source, through_attention); });
  }

  void find_pairs() {
    for (ChannelSource& source : channel_sources(network_.module)) {
      if (!source.refusal.empty()) continue;  // no norm's
      ChannelReads reads = channel_reads(network_.module, *source.value, source.layout);
      if (!is_taken(modules()[source.module], !reads.attention.empty())) continue;
      for (const Node* attention : reads.attention) with_pair_.insert(attention);
      Candidate candidate{std::move(source), std::move(reads), {}, {}};
      candidate.pair.source = modules()[candidate.source.module].path;
      for (const ChannelReader& reader : candidate.reads.readers)
        candidate.pair.readers.push_back(modules()[reader.layer].path);
      candidate.pair.refusal = refusal_of(candidate);
      candidates_.push_back(std::move(candidate));
    }
  }

  std::string refusal_of(const Candidate& candidate) const {
    if (!candidate.reads.refusal.empty()) return candidate.reads.refusal;
    const std::vector<ChannelReader>& readers = candidate.reads.readers;
    const auto is_quantized = [&](Symbol layer) { return quantized_.contains(layer); };
    if (std::none_of(candidate.pair.readers.begin(), candidate.pair.readers.end(), is_quantized))
      return "no quantized layer reads it";
    const ModuleId kernel = candidate.source.call->module();
    if (const Outcome takes = takes_factors(network_.module, uses_, candidate.source.module, kernel); !takes)
      return takes.reason();
    for (const ChannelReader& reader : readers) {
      const Outcome takes = takes_factors(network_.module, uses_, reader.layer, modules().find(reader.kernel));
      if (!takes) return takes.reason();
    }
    return {};
  }

  /// So that a report says of each attention why it is not smoothed.
  void find_attention_without_pair() {
    for (const Node& node : network_.module.graph().nodes()) {
      if (node.kind() != NodeKind::kCallModule || with_pair_.contains(&node)) continue;
      const ModuleRecord& record = network_.module.record(node);
      if (!is_attention(record) || !is_taken(record, true)) continue;
      SmoothedPair pair;
      pair.source = record.path;
      pair.refusal = "no layer alone makes its values";
      others_.push_back(std::move(pair));
    }
  }

  void follow_recipe() {
    std::set<Symbol> skipped;
    for (const Node& node : network_.module.graph().nodes()) {
      if (node.kind() != NodeKind::kCallModule) continue;
      if (skip_.matches(modules(), network_.module.record(node))) skipped.insert(network_.module.record(node).path);
    }
    skip_.check();
    std::vector<bool> used(config_.smooth_quant->pairs.size(), false);
    for (Candidate& candidate : candidates_) {
      const std::vector<Symbol> names = kernels_of(candidate);
      const bool is_skipped =
          std::any_of(names.begin(), names.end(), [&](Symbol name) { return skipped.contains(name); });
      if (is_skipped) candidate.pair.refusal = "skipped by the recipe";
      candidate.alpha = strength_of(candidate, used);
    }
    for (size_t i = 0; i < used.size(); ++i) {
      if (used[i]) continue;
      throw Error(
          "config.smooth_quant",
          cat(quoted(config_.smooth_quant->pairs[i].first), " of smooth_quant.pairs fits no pair of this network"),
          "a recipe without it, and `smoothing` in the report to see the pairs");
    }
  }

  /// The kernels of which each is a part.
  std::vector<Symbol> kernels_of(const Candidate& candidate) const {
    std::vector<Symbol> kernels{network_.module.record(*candidate.source.call).path};
    for (const Node* attention : candidate.reads.attention) kernels.push_back(network_.module.record(*attention).path);
    for (const ChannelReader& reader : candidate.reads.readers) kernels.push_back(reader.kernel);
    return kernels;
  }

  SmoothingStrength strength_of(const Candidate& candidate, std::vector<bool>& used) const {
    std::vector<Symbol> names{candidate.pair.source, network_.module.record(*candidate.source.call).path};
    for (const Node* attention : candidate.reads.attention) names.push_back(network_.module.record(*attention).path);
    const auto& entries = config_.smooth_quant->pairs;
    std::optional<size_t> first;
    for (size_t i = 0; i < entries.size(); ++i) {
      const bool fits = std::any_of(names.begin(), names.end(),
                                    [&](Symbol name) { return fits_pattern(name.str(), entries[i].first); });
      if (!fits) continue;
      used[i] = true;
      if (!first) first = i;
    }
    return first ? entries[*first].second : config_.smooth_quant->alpha;
  }

  std::vector<Candidate*> open() {
    std::vector<Candidate*> found;
    for (Candidate& candidate : candidates_) {
      if (candidate.pair.refusal.empty()) found.push_back(&candidate);
    }
    return found;
  }

  void set_factors(const std::map<std::string, Range>& ranges, const SampleSource& samples,
                   const CalibrationOptions& options) {
    std::vector<ChannelMagnitudes> magnitudes;
    SmoothingSearch search(network_, plan_, config_);
    for (const Candidate* candidate : open()) {
      magnitudes.push_back(magnitudes_of(*candidate, ranges));
      if (!candidate->alpha) search.add(quantized_readers(*candidate), magnitudes.back());
    }
    const std::vector<FoundFactors> found = search.run(samples, options);
    auto next = found.begin();
    auto seen = magnitudes.begin();
    Graft graft(network_.module);
    for (Candidate* candidate : open()) {
      const ChannelMagnitudes& own = *seen++;
      candidate->pair.channel_amax = own.activations;
      const SmoothingStrength alpha = candidate->alpha;
      move(graft, *candidate, alpha ? FoundFactors{alpha, {}, smoothing_factors(own, *alpha)} : *next++);
    }
    graft.apply();
  }

  std::vector<ChannelReader> quantized_readers(const Candidate& candidate) const {
    std::vector<ChannelReader> readers = candidate.reads.readers;
    std::erase_if(readers,
                  [&](const ChannelReader& reader) { return !quantized_.contains(modules()[reader.layer].path); });
    return readers;
  }

  ChannelMagnitudes magnitudes_of(const Candidate& candidate, const std::map<std::string, Range>& ranges) const {
    const int64_t count = candidate.source.channels;
    ChannelMagnitudes found{at::zeros({count}), at::zeros({count})};
    for (const ChannelReader& reader : quantized_readers(candidate)) {
      const Range& range = ranges.at(reader.input.str());
      if (!range.seen)
        throw Error("data.unseen", cat("%", reader.input.str(), " was empty on every sample"),
                    "samples that reach it, or skip.smooth");
      const at::Tensor& inputs = range.channel_amax.value();
      const at::Tensor weights = weight_amax(modules()[reader.layer]);
      found.activations = at::maximum(found.activations, by_channel(inputs, reader.channels, count));
      found.weights = at::maximum(found.weights, by_channel(weights, reader.channels, count));
    }
    return found;
  }

  at::Tensor weight_amax(const ModuleRecord& layer) const {
    return input_channel_amax(layer, evaluate(*layer.param("weight"), network_.tensors));
  }

  void move(Graft& graft, Candidate& candidate, const FoundFactors& found) {
    const at::Tensor& factors = found.factors;
    candidate.pair.alpha = found.alpha;
    candidate.pair.limit = found.limit;
    candidate.pair.smallest = factors.min().item<double>();
    candidate.pair.largest = factors.max().item<double>();
    divide_channels(graft, candidate.source.module, factors, network_.tensors);
    for (const ChannelReader& reader : candidate.reads.readers)
      multiply_inputs(graft, reader, factors, network_.tensors);
  }

  Network& network_;
  const StubPlan& plan_;
  const QuantConfig& config_;
  const SmoothingList& patterns_;
  ModuleUses uses_;
  SkipList skip_;
  std::set<Symbol> quantized_;  // paths of layers
  std::set<const Node*> with_pair_;
  std::vector<Candidate> candidates_;
  std::vector<SmoothedPair> others_;
};

}  // namespace

std::vector<SmoothedPair> smooth_quant(Network& network, const StubPlan& plan, const SampleSource& samples,
                                       const QuantConfig& config, const SmoothingList& patterns,
                                       const CalibrationOptions& options) {
  const at::NoGradGuard no_grad;
  return Smoothing(network, plan, config, patterns).run(samples, options);
}

void check_smooth_quant(const Network& network, const StubPlan& plan, const QuantConfig& config,
                        const SmoothingList& patterns) {
  Network copy = network.clone();
  Smoothing(copy, plan, config, patterns);
}

}  // namespace graftwork::core
