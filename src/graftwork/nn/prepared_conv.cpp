#include "graftwork/nn/prepared_conv.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "graftwork/base/error.h"
#include "graftwork/ir/body.h"
#include "graftwork/ir/kind.h"
#include "graftwork/match/matcher.h"
#include "graftwork/nn/fold_batch_norm.h"

namespace graftwork::core {
namespace {

using Scalars = c10::List<std::optional<at::Scalar>>;

/// An activation as oneDNN's post-operation: its name, scalars and algorithm.
struct PostOperation {
  explicit PostOperation(std::string op = "none", std::initializer_list<at::Scalar> numbers = {},
                         std::optional<std::string> form = {})
      : name(std::move(op)), algorithm(std::move(form)) {
    for (const at::Scalar& number : numbers) scalars.push_back(number);
  }
  std::string name;
  Scalars scalars;
  std::optional<std::string> algorithm;
};

/// The activations that oneDNN computes behind a convolution.
PostOperation post_operation(const ModuleRecord& act) {
  const Symbol kind = act.kind;
  if (kind == Symbol("nn.ReLU")) return PostOperation("relu");
  if (kind == Symbol("nn.Sigmoid")) return PostOperation("sigmoid");
  if (kind == Symbol("nn.Tanh")) return PostOperation("tanh");
  if (kind == Symbol("nn.Hardswish")) return PostOperation("hardswish");
  if (kind == Symbol("nn.SiLU")) return PostOperation("swish");
  if (kind == Symbol("nn.ReLU6")) return PostOperation("hardtanh", {0, 6});
  if (kind == Symbol("nn.LeakyReLU")) return PostOperation("leaky_relu", {number_of(act, "negative_slope")});
  return PostOperation("gelu", {}, *attribute_of(act, "approximate")->get<std::string>());
}

/// Where a body has a convolution with what can be taken in; null where there is none.
struct FoundConv {
  const Node* x = nullptr;
  const Node* conv = nullptr;
  const Node* bn = nullptr;
  const Node* residual = nullptr;
  const Node* act = nullptr;
  std::vector<const Node*> nodes;  // in the order of the body
};

/// What a prepared convolution can take in, as a tree over a resolved body.
class ConvForm {
 public:
  ConvForm(bool adds, const std::vector<Symbol>& activations) : adds_(adds), acts_(!activations.empty()) {
    if (adds) last_ = op("aten.add.Tensor")(last_, residual_).commutes().where(is_plain, "");
    if (acts_) last_ = act_ = op(std::span<const Symbol>(activations))(last_);
    tree_.emplace({last_});
  }

  std::optional<FoundConv> find(const GraphModule& body) const {
    Matcher matcher({&body, nullptr, nullptr});
    Match match;
    std::vector<Node*> nodes;
    for (Node& node : body.graph().nodes()) nodes.push_back(&node);
    // From the end: the last node of a form anchors it.
    for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
      const std::vector<Symbol>& anchors = tree_->anchor_ops();
      const bool may_be = std::find(anchors.begin(), anchors.end(), (*node)->op()) != anchors.end();
      if (!may_be || !matcher.find(*tree_, **node, match)) continue;
      FoundConv found{&match[x_], &match[conv_], nullptr,
                      nullptr,    nullptr,       {match.nodes().rbegin(), match.nodes().rend()}};
      if (match.has(bn_)) found.bn = &match[bn_];
      if (adds_) found.residual = &match[residual_];
      if (acts_) found.act = &match[act_];
      return found;
    }
    return std::nullopt;
  }

 private:
  static bool is_plain(const GraphModule&, const Node& node) { return node.attrs().empty(); }

  bool adds_, acts_;
  Pat x_ = any();
  Pat conv_ = op("nn.Conv2d")(x_);
  Pat bn_ = op("nn.BatchNorm2d")(conv_);
  Pat residual_ = any();
  Pat act_ = any();
  Pat last_ = either(bn_, conv_);
  std::optional<Tree> tree_;
};

/// The longest form in the body. Its layers are few: one is enough.
std::optional<FoundConv> find_conv(const GraphModule& body) {
  const std::vector<Symbol> activations{"nn.ReLU", "nn.Sigmoid", "nn.Tanh",      "nn.Hardswish",
                                        "nn.SiLU", "nn.ReLU6",   "nn.LeakyReLU", "nn.GELU"};
  for (const auto& [adds, acts] :
       {std::pair(true, std::vector<Symbol>{"nn.ReLU"}), std::pair(true, std::vector<Symbol>()),
        std::pair(false, activations), std::pair(false, std::vector<Symbol>())}) {
    if (auto found = ConvForm(adds, acts).find(body)) return found;
  }
  return std::nullopt;
}

class PreparedConv final : public PreparedModule {
 public:
  PreparedConv(const ModuleRecord& conv, const ModuleRecord* bn, const ModuleRecord* act, const at::Tensor& weight,
               const TensorStore& tensors) {
    const FoldedLayer folded = fold_batch_norm(conv, bn, tensors);
    bias_ = folded.bias;
    stride_ = *attribute_of(conv, "stride")->get<std::vector<int64_t>>();
    padding_ = *attribute_of(conv, "padding")->get<std::vector<int64_t>>();
    dilation_ = *attribute_of(conv, "dilation")->get<std::vector<int64_t>>();
    groups_ = *attribute_of(conv, "groups")->get<int64_t>();
    weight_ = fold_into_weight(conv, weight, folded.factor).contiguous(at::MemoryFormat::ChannelsLast);
    if (act) activation_ = post_operation(*act);
  }

  at::Tensor run(std::span<const at::Tensor> inputs) const override {
    const at::Tensor x = inputs[0].contiguous(at::MemoryFormat::ChannelsLast);
    return inputs.size() > 1 ? convolve_and_add(x, inputs[1]) : convolve(x);
  }

 private:
  /// Packed for the input's shape when first seen; the same shape comes again and again.
  at::Tensor packed(const at::Tensor& x) const {
    static const auto reorder = c10::Dispatcher::singleton()
                                    .findSchemaOrThrow("mkldnn::_reorder_convolution_weight", "")
                                    .typed<at::Tensor(const at::Tensor&, at::IntArrayRef, at::IntArrayRef,
                                                      at::IntArrayRef, int64_t, c10::OptionalArrayRef<int64_t>)>();
    const std::scoped_lock lock(mutex_);
    if (!packed_.defined()) {
      const std::vector<int64_t> sizes = x.sizes().vec();
      packed_ = reorder.call(weight_, padding_, stride_, dilation_, groups_, c10::OptionalArrayRef<int64_t>(sizes));
      weight_ = at::Tensor();
    }
    return packed_;
  }

  at::Tensor convolve(const at::Tensor& x) const {
    static const auto op = c10::Dispatcher::singleton()
                               .findSchemaOrThrow("mkldnn::_convolution_pointwise", "")
                               .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                                                 at::IntArrayRef, at::IntArrayRef, at::IntArrayRef, int64_t,
                                                 std::string_view, Scalars, std::optional<std::string_view>)>();
    const std::optional<std::string_view> algorithm =
        activation_.algorithm ? std::optional<std::string_view>(*activation_.algorithm) : std::nullopt;
    return op.call(x, packed(x), bias(), padding_, stride_, dilation_, groups_, activation_.name, activation_.scalars,
                   algorithm);
  }

  at::Tensor convolve_and_add(const at::Tensor& x, const at::Tensor& residual) const {
    static const auto op =
        c10::Dispatcher::singleton()
            .findSchemaOrThrow("mkldnn::_convolution_pointwise", "binary")
            .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                              at::IntArrayRef, at::IntArrayRef, at::IntArrayRef, int64_t, std::string_view,
                              std::optional<at::Scalar>, std::optional<std::string_view>, Scalars,
                              std::optional<std::string_view>)>();
    const std::optional<std::string_view> unary =
        activation_.name == "relu" ? std::optional<std::string_view>("relu") : std::nullopt;
    return op.call(x, residual.contiguous(at::MemoryFormat::ChannelsLast), packed(x), bias(), padding_, stride_,
                   dilation_, groups_, "add", std::nullopt, unary, Scalars(), std::nullopt);
  }

  std::optional<at::Tensor> bias() const { return bias_.defined() ? std::optional(bias_) : std::nullopt; }

  at::Tensor bias_;
  std::vector<int64_t> stride_, padding_, dilation_;
  int64_t groups_ = 1;
  PostOperation activation_;
  mutable std::mutex mutex_;
  mutable at::Tensor weight_;
  mutable at::Tensor packed_;
};

bool is_f32(const Node& node) { return node.tensor() && node.tensor()->dtype == DType::kF32; }

class Preparation {
 public:
  explicit Preparation(const TensorStore& tensors) : tensors_(tensors) {}

  Prepared operator()(const GraphModule& module, const Node& call) {
    const ModuleRecord& record = module.record(call);
    const auto [known, is_new] = found_.try_emplace(record.body);
    if (is_new) known->second = find_conv(record.body->module);
    if (!known->second) return {};
    const FoundConv& found = *known->second;
    const ModuleTable& modules = module.modules();
    const auto part = [&](const Node* node) { return node ? &modules[record.child(node->role())] : nullptr; };
    const auto layer = std::find_if(record.body->layers.begin(), record.body->layers.end(),
                                    [&](const BodyLayer& one) { return one.call == found.conv; });
    if (layer == record.body->layers.end() || !fits(modules, call, found)) return {};
    const ModuleRecord& conv = *part(found.conv);
    const ModuleRecord* bn = part(found.bn);
    if (!is_plain_f32(conv, tensors_) || (bn && !is_plain_f32(*bn, tensors_))) return {};
    const at::Tensor weight = weight_of(conv, weight_quantizer(record, *layer), {modules, tensors_});
    Prepared prepared;
    prepared.module = std::make_unique<PreparedConv>(conv, bn, part(found.act), weight, tensors_);
    prepared.inputs = {found.x};
    if (found.residual) prepared.inputs.push_back(found.residual);
    prepared.replaces = found.nodes;
    return prepared;
  }

 private:
  /// f32, and an addition that does not broadcast: oneDNN's does not.
  static bool fits(const ModuleTable& modules, const Node& call, const FoundConv& found) {
    try {
      const BodyInstance typed(modules, call);
      if (!is_f32(typed.at(*found.x))) return false;
      if (!found.residual) return true;
      const Node& sum = typed.at(*found.nodes.back());
      const Node& residual = typed.at(*found.residual);
      return sum.tensor() && residual.tensor() && *sum.tensor() == *residual.tensor();
    } catch (const Error&) {
      return false;  // a shape that is not known
    }
  }

  const TensorStore& tensors_;
  std::unordered_map<const ResolvedBody*, std::optional<FoundConv>> found_;  // once for each body
};

}  // namespace

bool is_plain_f32(const ModuleRecord& layer, const TensorStore& tensors) {
  for (const auto& [name, expr] : layer.params) {
    for (const Symbol leaf : expr.leaves()) {
      if (tensors.at(leaf).scalar_type() != at::kFloat || !tensors.at(leaf).is_cpu()) return false;
    }
  }
  return true;
}

Preparer prepared_convolutions(const TensorStore& tensors) {
  return [preparation = std::make_shared<Preparation>(tensors)](const GraphModule& module, const Node& call) {
    return (*preparation)(module, call);
  };
}

}  // namespace graftwork::core
