// A network of which any choice of layers is quantized, run without being built again for each choice.
#pragma once

#include <span>
#include <vector>

#include "graftwork/nn/inference_runner.h"
#include "graftwork/patterns/placement/placement_rules.h"

namespace graftwork::core {

/// By layer: whether it is quantized.
using LayerChoice = std::vector<bool>;

/// A layer that is quantized reads through its stubs and has its rounded weights and corrected biases; one that is not
/// reads what stands in front of the stubs, and has what it has in floating point. A stub that no quantized layer reads
/// passes its value on. With all layers chosen it computes what the quantized network does, with none what the network
/// in floating point does, both to the bit of InferenceRunner::run. Safe to run from many threads.
class PartialNetwork {
 public:
  /// `quantized` was made from `network` by quantize(); both must stay. `modules`: the layers, paths of modules.
  PartialNetwork(const Network& network, const Network& quantized, std::span<const Symbol> modules,
                 const PlacementRules& rules);

  size_t layers() const { return layer_count_; }
  std::vector<at::Tensor> run(const LayerChoice& choice, std::span<const at::Tensor> inputs) const;
  /// How many nodes a run computes.
  size_t nodes() const { return places_.size() - inputs_.size(); }

 private:
  friend class ChoiceVariants;

  /// The value of a place behind data movement, applied once more: what a layer reads where it passes its stub by.
  struct Bypass {
    size_t source = 0;
    std::vector<const Node*> moves;  // from the source on
  };
  /// A node of the quantized graph, in its order.
  struct Place {
    const Node* node = nullptr;
    const Node* in_float = nullptr;  // of a layer: the same kernel without quantization
    size_t layer = SIZE_MAX;
    std::vector<size_t> operands;
    std::vector<Bypass> bypasses;  // of a layer, for each operand
    bool is_stub = false;          // one that quantization has put there
    std::vector<size_t> readers;   // of a stub: layers
    std::vector<size_t> dying;     // places that nothing behind this one reads
  };

  void link(const PlacementRules& rules);
  static bool is_active(const Place& stub, const LayerChoice& choice);
  /// Calls visit(place) for what the place reads under the choice.
  template <class Visit>
  static void for_operands(const Place& place, const LayerChoice& choice, Visit&& visit);
  /// `value(place)` gives an operand.
  template <class Value>
  c10::IValue compute(const Place& place, const LayerChoice& choice, Value&& value) const;

  InferenceRunner float_, quantized_;
  const Graph& graph_;
  size_t layer_count_;
  std::vector<Place> places_;
  std::vector<size_t> inputs_;   // places
  std::vector<size_t> results_;  // places, in signature order
};

/// All choices that differ from one base in a single layer, on one micro-batch. What such a choice has in common with
/// the base is computed once, with the base; so only what lies behind the layer is computed for it: about a half of the
/// network on average. Keeps of the base what the layers still to come read. For one thread.
class ChoiceVariants {
 public:
  ChoiceVariants(const PartialNetwork& network, LayerChoice base, std::span<const at::Tensor> inputs);

  /// Layers in the order in which run() takes them: as the base passes them.
  const std::vector<size_t>& order() const { return order_; }
  /// The results with the layer the other way round. Each layer at most once, in order(); any may be left out.
  std::vector<at::Tensor> run(size_t layer);
  /// Nodes computed so far, for the base too.
  size_t computed() const { return computed_; }

 private:
  void advance(size_t place);
  const c10::IValue& base_value(size_t place);
  void compute_base(size_t place);

  const PartialNetwork& network_;
  LayerChoice base_;
  std::vector<size_t> begins_;  // by layer: the first place that it changes
  std::vector<size_t> order_;
  std::vector<c10::IValue> values_;  // of the base
  std::vector<bool> known_;
  size_t passed_ = 0;  // places that lie behind the base
  size_t computed_ = 0;
};

}  // namespace graftwork::core
