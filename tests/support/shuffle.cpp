#include "support/shuffle.h"

#include <random>

namespace graftwork::core::testing {
namespace {

/// How many of each node's operands have no place yet, and who waits for them. An input waits for the one before it.
class Queue {
 public:
  explicit Queue(const Graph& graph) {
    const Node* last_input = nullptr;
    for (const Node& node : graph.nodes()) {
      size_t& open = open_[&node];
      for (const Use& use : node.inputs()) {
        waiting_[use.producer()].push_back(&node);
        ++open;
      }
      if (node.kind() == NodeKind::kInput) {
        if (last_input) waiting_[last_input].push_back(&node), ++open;
        last_input = &node;
      }
      if (open == 0) ready_.push_back(&node);
    }
  }

  bool empty() const { return ready_.empty(); }

  const Node& take(std::mt19937_64& random) {
    std::swap(ready_[random() % ready_.size()], ready_.back());
    const Node* node = ready_.back();
    ready_.pop_back();
    for (const Node* user : waiting_[node]) {
      if (--open_[user] == 0) ready_.push_back(user);
    }
    return *node;
  }

 private:
  std::vector<const Node*> ready_;
  std::unordered_map<const Node*, size_t> open_;
  std::unordered_map<const Node*, std::vector<const Node*>> waiting_;
};

}  // namespace

GraphModule shuffled(const GraphModule& module, uint64_t seed) {
  GraphModule result;
  result.modules() = module.modules();
  result.signature() = module.signature();
  std::mt19937_64 random(seed);
  std::unordered_map<const Node*, Node*> twin;
  const auto copy = [&](const Node& node) {
    std::vector<Node*> inputs;
    for (const Use& use : node.inputs()) inputs.push_back(twin.at(use.producer()));
    NodeSpec spec;
    spec.kind = node.kind();
    spec.op = node.op();
    spec.name = node.name();
    spec.module = node.module();
    spec.attrs = node.attrs();
    spec.type = node.type();
    spec.origin = node.origin();
    if (node.kind() == NodeKind::kConstant) spec.constant = node.constant();
    twin.emplace(&node, &result.graph().append(std::move(spec), inputs));
  };
  for (Queue queue(module.graph()); !queue.empty();) {
    const Node& node = queue.take(random);
    if (node.kind() != NodeKind::kOutput) copy(node);
  }
  copy(*module.graph().output());
  return result;
}

}  // namespace graftwork::core::testing
