#include "graftwork/ir/graph.h"

#include <utility>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"

namespace graftwork::core {
namespace {

constexpr uint64_t kLastLabel = uint64_t{1} << 62;
constexpr uint64_t kLabelGap = uint64_t{1} << 32;

}  // namespace

const ParamExpr& Node::constant() const {
  GRAFTWORK_ASSERT(constant_ != nullptr);
  return *constant_;
}

void Node::no_such_input(size_t slot) const {
  throw Error("ir.input", cat("%", name_.str(), " reads ", counted(input_count_, "value"), ", and no value ", slot));
}

int64_t Node::item_index() const {
  const Attribute* index = attrs_.find("index");
  GRAFTWORK_ASSERT(kind_ == NodeKind::kGetItem && index != nullptr && index->get<int64_t>() != nullptr);
  return *index->get<int64_t>();
}

Node* Node::resolve() {
  Node* node = this;
  while (node && !node->alive_) node = node->replacement_;
  return node;
}

std::string place_of(const Node& node) {
  std::string place = cat("%", node.name().str(), " = ", node.op().str());
  if (!node.origin().module_path.empty()) place += " in " + node.origin().module_path.str();
  if (!node.origin().source.empty()) place += " (" + node.origin().source.str() + ")";
  return place;
}

NodeIterator& NodeIterator::operator++() {
  // A tombstone keeps its links, so walking on from an erased node reaches a live one.
  do {
    node_ = node_->next();
  } while (!node_->alive());
  return *this;
}

Graph::Graph() {
  head_.next_ = &tail_;
  tail_.prev_ = &head_;
  tail_.label_ = kLastLabel;
}

Graph::~Graph() = default;

NodeRange Graph::nodes() const { return {NodeIterator(head_.next_), NodeIterator(const_cast<Node*>(&tail_))}; }

std::vector<Node*> Graph::inputs() const {
  std::vector<Node*> result;
  for (Node& node : nodes()) {
    if (node.kind() == NodeKind::kInput) result.push_back(&node);
  }
  return result;
}

Node* Graph::find(NodeId id) const {
  if (id.index >= arena_.size()) return nullptr;
  const Node& node = arena_[id.index];
  return node.alive_ ? const_cast<Node*>(&node) : nullptr;
}

Node& Graph::create(NodeSpec&& spec, std::span<Node* const> inputs) {
  Node& node = arena_.emplace_back(spec.kind);
  node.id_ = {static_cast<uint32_t>(arena_.size() - 1)};
  node.op_ = spec.op;
  set_name(node, spec.name);
  node.module_ = spec.module;
  node.attrs_ = std::move(spec.attrs);
  node.type_ = std::move(spec.type);
  node.origin_ = spec.origin;
  if (spec.constant) node.constant_ = std::make_unique<ParamExpr>(std::move(*spec.constant));
  if (inputs.size() > Node::kInlineInputs) node.inputs_ = new Use[inputs.size()];
  node.input_count_ = static_cast<uint32_t>(inputs.size());
  for (uint32_t slot = 0; slot < inputs.size(); ++slot) {
    Use& use = node.inputs_[slot];
    use.user_ = &node;
    attach(use, *inputs[slot]);
  }
  return node;
}

Node& Graph::append(NodeSpec spec, std::span<Node* const> inputs) {
  Node& node = create(std::move(spec), inputs);
  link_before(node, tail_);
  if (node.kind() == NodeKind::kOutput) output_ = &node;
  return node;
}

Node& Graph::stage(NodeSpec spec, std::span<Node* const> inputs) { return create(std::move(spec), inputs); }

void Graph::take_name(Node& node, Symbol wanted) noexcept {
  if (!wanted.empty() && names_->exchange(node.name_, wanted)) node.name_ = wanted;
}

void Graph::link_before(Node& staged, Node& at) noexcept {
  Node* before = at.prev_;
  staged.prev_ = before;
  staged.next_ = &at;
  before->next_ = &staged;
  at.prev_ = &staged;
  ++live_;
  if (&at == &tail_ && kLastLabel - before->label_ > kLabelGap) {
    staged.label_ = before->label_ + kLabelGap;
  } else if (at.label_ - before->label_ > 1) {
    staged.label_ = before->label_ + (at.label_ - before->label_) / 2;
  } else {
    staged.label_ = before->label_;
    relabel(staged);
  }
}

void Graph::discard(Node& staged) noexcept {
  for (uint32_t slot = 0; slot < staged.input_count_; ++slot) detach(staged.inputs_[slot]);
  if (names_) names_->remove(staged.name_);
  staged.alive_ = false;
}

void Graph::set_name(Node& node, Symbol name) {
  if (names_) {
    names_->add(name);
    names_->remove(node.name_);
  }
  node.name_ = name;
}

Symbol Graph::unique_name(Symbol wanted) {
  if (!names_) {
    auto names = std::make_unique<NodeNames>();
    for (const Node& node : arena_) {
      if (node.alive_) names->add(node.name_);
    }
    names_ = std::move(names);
  }
  return names_->unique(wanted);
}

void Graph::attach(Use& use, Node& producer) noexcept {
  use.producer_ = &producer;
  use.next_ = producer.first_use_;
  use.link_ = &producer.first_use_;
  if (use.next_) use.next_->link_ = &use.next_;
  producer.first_use_ = &use;
  ++producer.use_count_;
}

void Graph::detach(Use& use) noexcept {
  if (!use.link_) return;
  *use.link_ = use.next_;
  if (use.next_) use.next_->link_ = use.link_;
  --use.producer_->use_count_;
  use.next_ = nullptr;
  use.link_ = nullptr;
}

void Graph::replace_all_uses(Node& old, Node& now) noexcept {
  while (Use* use = old.first_use_) {
    detach(*use);
    attach(*use, now);
  }
  old.replacement_ = &now;
}

void Graph::set_input(Node& node, size_t slot, Node& producer) noexcept {
  Use& use = node.inputs_[slot];
  detach(use);
  attach(use, producer);
}

void Graph::erase(Node& node) noexcept {
  for (uint32_t slot = 0; slot < node.input_count_; ++slot) detach(node.inputs_[slot]);
  node.prev_->next_ = node.next_;
  node.next_->prev_ = node.prev_;
  if (names_) names_->remove(node.name_);
  node.alive_ = false;
  --live_;
}

bool Graph::is_needed(const Node& node) {
  return node.first_use_ || node.kind_ == NodeKind::kInput || node.kind_ == NodeKind::kOutput;
}

void Graph::erase_unused(Node& node, ErasedNodes& gone) noexcept {
  // Depth first. What remains to be looked at is a list through the operands of erased nodes, which stand in no other.
  Use* open = nullptr;
  Node* at = &node;
  while (at) {
    if (at->alive_ && !is_needed(*at)) {
      erase(*at);
      gone.append(*at);
      for (uint32_t slot = at->input_count_; slot-- > 0;) {
        at->inputs_[slot].next_ = open;
        open = &at->inputs_[slot];
      }
    }
    at = open ? open->producer_ : nullptr;
    if (open) open = std::exchange(open->next_, nullptr);
  }
}

void Graph::relabel(Node& around) noexcept {
  // List labelling after Bender, Cole, Demaine, Farach-Colton, Zito (2002): spread the labels of the
  // smallest enclosing power-of-two window that is sparse enough. Amortised O(log n) an insertion.
  double capacity = 1;
  Node* low = &around;
  Node* high = &around;
  uint64_t count = 1;
  for (unsigned bits = 1; bits < 62; ++bits) {
    capacity *= 1.4;
    const uint64_t window = uint64_t{1} << bits;
    const uint64_t base = around.label_ >> bits << bits;
    while (low->prev_ != &head_ && low->prev_->label_ >= base) {
      low = low->prev_;
      ++count;
    }
    while (high->next_ != &tail_ && high->next_->label_ < base + window) {
      high = high->next_;
      ++count;
    }
    if (static_cast<double>(count) > capacity || window < 2 * count) continue;
    const uint64_t step = window / (count + 1);
    uint64_t label = base + step;
    for (Node* node = low;; node = node->next_) {
      node->label_ = label;
      label += step;
      if (node == high) return;
    }
  }
}

}  // namespace graftwork::core
