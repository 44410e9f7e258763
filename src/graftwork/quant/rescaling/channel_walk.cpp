#include "graftwork/quant/rescaling/channel_walk.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "graftwork/base/text.h"
#include "graftwork/ir/kind.h"
#include "graftwork/ir/operator_name.h"
#include "graftwork/place/stub_plan.h"

namespace graftwork::core {
namespace {

/// Elements stay in their order.
constexpr std::array kReshapes{"view", "reshape", "_unsafe_view", "flatten", "unflatten", "unsqueeze", "squeeze"};
/// Elements stay where they are, or are multiplied by one number.
constexpr std::array kCopies{"contiguous", "clone", "alias", "detach", "to", "mul", "div", "neg", "relu"};
/// Read the shape alone.
constexpr std::array kShapeReaders{"sym_size", "size", "zeros_like", "ones_like", "full_like", "empty_like"};
/// f(s · x) = s · f(x) for s > 0, on each channel.
const std::array<Symbol, 5> kHomogeneous{"nn.ReLU", "nn.LeakyReLU", "nn.PReLU", "nn.Identity", "nn.Dropout"};

template <size_t N>
bool holds(const std::array<const char*, N>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view other) { return other == name; });
}

bool is_layer(Symbol kind) { return kind == Symbol("nn.Linear") || kind.str().starts_with("nn.Conv"); }

bool is_pool_or_resize(Symbol kind) {
  const std::string& name = kind.str();
  return name.starts_with("nn.MaxPool") || name.starts_with("nn.AvgPool") || name.starts_with("nn.AdaptiveAvgPool") ||
         name.starts_with("nn.AdaptiveMaxPool") || name == "nn.Upsample";
}

/// A number that the operator is told; an axis counts from the front.
std::optional<int64_t> number(const Node& node, Symbol name) {
  const Attribute* attr = node.attrs().find(name);
  const int64_t* value = attr ? attr->get<int64_t>() : nullptr;
  return value ? std::optional(*value) : std::nullopt;
}

std::optional<size_t> axis(const Node& node, Symbol name, size_t rank) {
  std::optional<int64_t> value = number(node, name);
  if (!value && !node.attrs().find(name)) value = 0;
  if (!value) return std::nullopt;
  const int64_t at = *value < 0 ? *value + static_cast<int64_t>(rank) : *value;
  return at < 0 || at >= static_cast<int64_t>(rank) ? std::nullopt : std::optional(static_cast<size_t>(at));
}

std::optional<ChannelLayout> transposed(const Node& node, const ChannelLayout& layout) {
  const std::optional<size_t> first = axis(node, "dim0", layout.rank()), second = axis(node, "dim1", layout.rank());
  if (!first || !second) return std::nullopt;
  std::vector<size_t> order(layout.rank());
  std::iota(order.begin(), order.end(), size_t{0});
  std::swap(order[*first], order[*second]);
  return layout.permuted(order);
}

std::optional<ChannelLayout> permuted(const Node& node, const ChannelLayout& layout) {
  const Attribute* attr = node.attrs().find("dims");
  const auto* dims = attr ? attr->get<std::vector<int64_t>>() : nullptr;
  if (!dims || dims->size() != layout.rank()) return std::nullopt;
  std::vector<size_t> order;
  for (const int64_t dim : *dims)
    order.push_back(static_cast<size_t>(dim < 0 ? dim + static_cast<int64_t>(layout.rank()) : dim));
  return layout.permuted(order);
}

std::optional<ChannelLayout> selected(const Node& node, const ChannelLayout& layout) {
  const std::optional<size_t> dim = axis(node, "dim", layout.rank());
  const std::optional<int64_t> index = number(node, "index");
  return dim && index ? layout.selected(*dim, *index) : std::nullopt;
}

std::optional<ChannelLayout> sliced(const Node& node, const ChannelLayout& layout) {
  const std::optional<size_t> dim = axis(node, "dim", layout.rank());
  if (!dim) return std::nullopt;
  if (layout.is_free(*dim)) return layout.resized(node.tensor()->dims);
  if (number(node, "step").value_or(1) != 1) return std::nullopt;
  const Attribute* start = node.attrs().find("start");
  const bool from_front = !start || start->is_none();
  const std::optional<int64_t> begin = from_front ? int64_t{0} : number(node, "start");
  return begin ? layout.sliced(*dim, *begin, node.tensor()->dims[*dim]) : std::nullopt;
}

/// A mean or sum over axes without channels.
std::optional<ChannelLayout> reduced(const Node& node, const ChannelLayout& layout) {
  const Attribute* attr = node.attrs().find("dim");
  const auto* dims = attr ? attr->get<std::vector<int64_t>>() : nullptr;
  if (!dims || dims->empty()) return std::nullopt;
  std::vector<bool> goes(layout.rank(), false);
  for (const int64_t dim : *dims) {
    const auto at = static_cast<size_t>(dim < 0 ? dim + static_cast<int64_t>(layout.rank()) : dim);
    if (at >= layout.rank() || !layout.is_free(at)) return std::nullopt;
    goes[at] = true;
  }
  if (node.tensor()->rank() == layout.rank()) return layout.resized(node.tensor()->dims);
  std::optional<ChannelLayout> left = layout;
  for (size_t at = layout.rank(); at-- > 0 && left;) {
    if (goes[at]) left = left->selected(at, 0);
  }
  return left;
}

bool fills_with_zeros(const Node& node) {
  const Attribute* mode = node.attrs().find("mode");
  const Attribute* value = node.attrs().find("value");
  if (mode && !mode->is_none() && *mode != Attribute("constant")) return false;
  return !value || value->is_none() || *value == Attribute(0) || *value == Attribute(0.0);
}

}  // namespace

ChannelWalk::ChannelWalk(const GraphModule& module, const Node& call) : module_(module) {
  start_ = &frame_of(call, nullptr);
}

const ChannelWalk::Frame& ChannelWalk::frame_of(const Node& call, const Frame* outer) {
  std::unique_ptr<Frame>& frame = frames_[&call];
  if (!frame) frame.reset(new Frame{&call, outer, BodyInstance(module_.modules(), call)});
  return *frame;
}

const Node& ChannelWalk::network_node(const Node& node, const Frame* frame) const {
  const Node* at = &node;
  for (; frame; frame = frame->outer) at = frame->call;
  return *at;
}

void ChannelWalk::refuse(const Node& reader, const Frame* frame, const std::string& why) {
  if (!reads_.refusal.empty()) return;
  reads_.refusal = cat("%", network_node(reader, frame).name().str(), " = ", reader.op().str(), " ", why);
}

void ChannelWalk::run(const Node& value, const ChannelLayout& layout) {
  open_.push_back({&value, layout, start_});
  follow_open();
}

void ChannelWalk::run(const std::vector<const Use*>& uses, const ChannelLayout& layout) {
  for (const Use* use : uses) follow(*use, {use->producer(), layout, start_});
  follow_open();
}

void ChannelWalk::follow_open() {
  while (!open_.empty() && reads_.refusal.empty()) {
    const Open from = std::move(open_.back());
    open_.pop_back();
    for (const Use* use = from.value->uses(); use && reads_.refusal.empty(); use = use->next()) follow(*use, from);
  }
  for (const Joined& joined : joined_) {
    if (joined.operands.size() < joined.node->input_count())
      refuse(*joined.node, joined.operands.front().frame, "joins it with what it is no factor of");
  }
}

void ChannelWalk::push(const Node& value, std::optional<ChannelLayout> layout, const Frame* frame) {
  if (layout) {
    open_.push_back({&value, std::move(*layout), frame});
  } else {
    refuse(value, frame, "takes its channels apart");
  }
}

void ChannelWalk::follow(const Use& use, const Open& from) {
  const Node& reader = *use.user();
  switch (reader.kind()) {
    case NodeKind::kOutput:
      return leave(use.slot(), from);
    case NodeKind::kCallModule: {
      const ModuleRecord& record = module_.modules()[reader.module()];
      if (!record.body) return read_by_module(use, from);
      if (!value_quantizers(record).empty()) return refuse(reader, from.frame, "has scales that the network brought");
      const Frame& inside = frame_of(reader, from.frame);
      return push(inside.body.at(*record.body->inputs[use.slot()]), from.layout, &inside);
    }
    case NodeKind::kCallFunction:
      return read_by_operator(use, from);
    default:
      refuse(reader, from.frame, "reads it, which is no layer");
  }
}

void ChannelWalk::leave(int64_t result, const Open& from) {
  if (!from.frame) {
    reads_.refusal = "it is a result of the network";
    return;
  }
  if (from.frame == start_) {
    results_.emplace(result, from.layout);
    return;
  }
  const Node& call = *from.frame->call;
  if (call.tensor()) return push(call, from.layout, from.frame->outer);
  for (const Use* use = call.uses(); use; use = use->next()) {
    const Node& item = *use->user();
    if (item.kind() != NodeKind::kGetItem) return refuse(item, from.frame->outer, "reads it, which is no layer");
    if (item.item_index() == result) push(item, from.layout, from.frame->outer);
  }
}

void ChannelWalk::read_by_module(const Use& use, const Open& from) {
  const Node& reader = *use.user();
  const Symbol kind = module_.modules()[reader.module()].kind;
  if (is_layer(kind)) return read_by_layer(use, from);
  if (kind == Symbol("nn.Flatten")) return push(reader, from.layout.reshaped(reader.tensor()->dims), from.frame);
  if (is_one_of(kind, kHomogeneous)) return push(reader, from.layout, from.frame);
  if (is_pool_or_resize(kind)) return push(reader, from.layout.resized(reader.tensor()->dims), from.frame);
  refuse(reader, from.frame, "reads it, which is no layer");
}

void ChannelWalk::read_by_layer(const Use& use, const Open& from) {
  const Node& reader = *use.user();
  const ModuleRecord& layer = module_.modules()[reader.module()];
  const bool is_linear = layer.kind == Symbol("nn.Linear");
  const std::optional<std::vector<int64_t>> channels =
      from.layout.channels_along(is_linear ? from.layout.rank() - 1 : 1);
  if (!channels) return refuse(reader, from.frame, "sums up places of one channel with different factors");
  const Symbol input = input_name(reader.input(0), from.frame);
  if (input.empty()) return refuse(reader, from.frame, "reads it inside a kernel");
  const Node& call = network_node(reader, from.frame);
  const ModuleRecord& kernel = module_.record(call);
  const BodyLayer* part = kernel.body ? layer_at(module_.modules(), kernel, layer.path) : nullptr;
  const ModuleId quantizer = part ? weight_quantizer(kernel, *part) : weight_quantizer(layer);
  if (quantizer && module_.modules()[quantizer].param("scale"))
    return refuse(reader, from.frame, "reads it with scales that the network brought");
  reads_.readers.push_back({reader.module(), kernel.path, input, *channels});
}

/// Name under which calibration knows what a layer reads; empty for a value inside a kernel.
Symbol ChannelWalk::input_name(const Node& value, const Frame* frame) const {
  if (!frame) return value.name();
  if (frame->outer) return {};
  const std::vector<const Node*>& inputs = module_.record(*frame->call).body->inputs;
  const auto slot = std::find(inputs.begin(), inputs.end(), &frame->body.origin(value));
  if (slot == inputs.end()) return {};
  return frame->call->input(static_cast<size_t>(slot - inputs.begin())).name();
}

void ChannelWalk::read_by_operator(const Use& use, const Open& from) {
  const Node& reader = *use.user();
  const std::string_view name = operator_name(reader.op());
  const bool has_one_operand = reader.input_count() == 1;
  if (holds(kShapeReaders, name)) return;
  if (!reader.tensor()) return refuse(reader, from.frame, "reads it, which is no layer");
  const std::vector<Dim>& dims = reader.tensor()->dims;
  if (use.slot() == 0 && holds(kReshapes, name)) return push(reader, from.layout.reshaped(dims), from.frame);
  if (has_one_operand && holds(kCopies, name)) return push(reader, from.layout, from.frame);
  if (name == "transpose") return push(reader, transposed(reader, from.layout), from.frame);
  if (name == "permute") return push(reader, permuted(reader, from.layout), from.frame);
  if (name == "select" && has_one_operand) return push(reader, selected(reader, from.layout), from.frame);
  if (name == "slice" && use.slot() == 0) return push(reader, sliced(reader, from.layout), from.frame);
  if (name == "expand" && use.slot() == 0) return push(reader, from.layout.resized(dims), from.frame);
  if ((name == "mean" || name == "sum") && has_one_operand)
    return push(reader, reduced(reader, from.layout), from.frame);
  if ((name == "pad" || name == "constant_pad_nd") && has_one_operand && fills_with_zeros(reader))
    return push(reader, from.layout.resized(dims), from.frame);
  if (name == "masked_fill" && use.slot() == 0 && fills_with_zeros(reader))
    return push(reader, from.layout.resized(dims), from.frame);
  if (name == "cat") return read_by_concatenation(use, from);
  const size_t rank = from.layout.rank();
  if (name == "matmul" && use.slot() == 1 && rank >= 2 && from.layout.is_free(rank - 2)) {
    reads_.attention.push_back(&network_node(reader, from.frame));
    return push(reader, from.layout.resized(dims), from.frame);
  }
  refuse(reader, from.frame, "reads it, which is no layer");
}

void ChannelWalk::read_by_concatenation(const Use& use, const Open& from) {
  const Node& reader = *use.user();
  const std::optional<size_t> dim = axis(reader, "dim", from.layout.rank());
  const auto known = std::ranges::find(joined_, &reader, &Joined::node);
  const bool fits = dim && from.layout.is_free(*dim) &&
                    (known == joined_.end() || known->operands.front().layout.agrees_with(from.layout));
  if (!fits) return refuse(reader, from.frame, "joins it with others");
  Joined& joined = known == joined_.end() ? joined_.emplace_back(&reader) : *known;
  joined.operands.push_back(from);
  if (joined.operands.size() == reader.input_count())
    push(reader, from.layout.resized(reader.tensor()->dims), from.frame);
}

}  // namespace graftwork::core
