#include "graftwork/nn/fast_modules.h"

#include <mutex>
#include <optional>

#include "graftwork/nn/fold_batch_norm.h"

namespace graftwork {
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

std::optional<PostOperation> post_operation(const ModuleRecord& act) {
  const Symbol kind = act.kind;
  if (kind == Symbol("nn.ReLU")) return PostOperation("relu");
  if (kind == Symbol("nn.Sigmoid")) return PostOperation("sigmoid");
  if (kind == Symbol("nn.Tanh")) return PostOperation("tanh");
  if (kind == Symbol("nn.Hardswish")) return PostOperation("hardswish");
  if (kind == Symbol("nn.SiLU")) return PostOperation("swish");
  if (kind == Symbol("nn.ReLU6")) return PostOperation("hardtanh", {0, 6});
  if (kind == Symbol("nn.LeakyReLU")) return PostOperation("leaky_relu", {number_of(act, "negative_slope")});
  if (kind == Symbol("nn.GELU"))
    return PostOperation("gelu", {}, *attribute_of(act, "approximate")->get<std::string>());
  return std::nullopt;
}

class PreparedConv final : public PreparedModule {
 public:
  PreparedConv(const GraphModule& module, const ModuleRecord& record, const TensorStore& tensors)
      : modules_(module.modules()), record_(record), kind_(KindTable::builtin().at(record.kind)), tensors_(tensors) {
    const ModuleRecord& conv = modules_[record.child("conv")];
    const ModuleId bn = record.child("bn");
    const FoldedLayer folded = fold_batch_norm(conv, bn ? &modules_[bn] : nullptr, tensors);
    bias_ = folded.bias;
    stride_ = *attribute_of(conv, "stride")->get<std::vector<int64_t>>();
    padding_ = *attribute_of(conv, "padding")->get<std::vector<int64_t>>();
    dilation_ = *attribute_of(conv, "dilation")->get<std::vector<int64_t>>();
    groups_ = *attribute_of(conv, "groups")->get<int64_t>();
    weight_ = fold_into_weight(conv, evaluate(*conv.param("weight"), tensors), folded.factor)
                  .contiguous(at::MemoryFormat::ChannelsLast);
    if (const ModuleId act = record.child("act")) activation_ = post_operation(modules_[act]);
  }

  at::Tensor run(std::span<const at::Tensor> inputs) const override {
    const at::Tensor x = inputs[0].contiguous(at::MemoryFormat::ChannelsLast);
    size_t step = 1;  // behind the convolution
    if (step < kind_.steps.size() && kind_.steps[step].role == Symbol("bn")) ++step;
    at::Tensor value;
    const bool adds = step < kind_.steps.size() && kind_.steps[step].is_addition();
    if (adds) {
      value = convolve_and_add(x, inputs[static_cast<size_t>(kind_.steps[step].add_input)]);
      ++step;
    } else {
      value = convolve(x, activation_ ? *activation_ : PostOperation{});
    }
    if (step < kind_.steps.size() && kind_.steps[step].role == Symbol("act") &&
        (activation_ && (!adds || fuses_behind_add())))
      ++step;
    for (; step < kind_.steps.size(); ++step) {
      value = run_module(modules_[record_.child(kind_.steps[step].role)], std::span(&value, 1), {modules_, tensors_});
    }
    return value;
  }

 private:
  bool fuses_behind_add() const { return activation_ && activation_->name == "relu"; }

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

  at::Tensor convolve(const at::Tensor& x, const PostOperation& post) const {
    static const auto op = c10::Dispatcher::singleton()
                               .findSchemaOrThrow("mkldnn::_convolution_pointwise", "")
                               .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                                                 at::IntArrayRef, at::IntArrayRef, at::IntArrayRef, int64_t,
                                                 std::string_view, Scalars, std::optional<std::string_view>)>();
    const std::optional<std::string_view> algorithm =
        post.algorithm ? std::optional<std::string_view>(*post.algorithm) : std::nullopt;
    return op.call(x, packed(x), bias(), padding_, stride_, dilation_, groups_, post.name, post.scalars, algorithm);
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
        fuses_behind_add() ? std::optional<std::string_view>("relu") : std::nullopt;
    return op.call(x, residual.contiguous(at::MemoryFormat::ChannelsLast), packed(x), bias(), padding_, stride_,
                   dilation_, groups_, "add", std::nullopt, unary, Scalars(), std::nullopt);
  }

  std::optional<at::Tensor> bias() const { return bias_.defined() ? std::optional(bias_) : std::nullopt; }

  const ModuleTable& modules_;
  const ModuleRecord& record_;
  const Kind& kind_;
  const TensorStore& tensors_;
  at::Tensor bias_;
  std::vector<int64_t> stride_, padding_, dilation_;
  int64_t groups_ = 1;
  std::optional<PostOperation> activation_;
  mutable std::mutex mutex_;
  mutable at::Tensor weight_;
  mutable at::Tensor packed_;
};

bool is_plain_f32(const ModuleRecord& record, const ModuleTable& modules, const TensorStore& tensors) {
  for (const auto& [role, child] : record.children) {
    for (const auto& [name, expr] : modules[child].params) {
      for (const Symbol leaf : expr.leaves()) {
        if (tensors.at(leaf).scalar_type() != at::kFloat || !tensors.at(leaf).is_cpu()) return false;
      }
    }
  }
  return true;
}

}  // namespace

Preparer fast_modules(const TensorStore& tensors) {
  return [&tensors](const GraphModule& module, const Node& node) -> std::unique_ptr<PreparedModule> {
    const ModuleRecord& record = module.record(node);
    const Kind& kind = KindTable::builtin().at(record.kind);
    const bool is_conv = kind.family == Family::kFused && kind.weight_role == Symbol("conv") &&
                         module.modules()[record.child("conv")].kind == Symbol("nn.Conv2d");
    if (!is_conv || !node.input(0).tensor() || node.input(0).tensor()->dtype != DType::kF32) return nullptr;
    // The fused addition does not broadcast.
    for (size_t slot = 1; slot < node.input_count(); ++slot) {
      if (!node.tensor() || !node.input(slot).tensor() || *node.input(slot).tensor() != *node.tensor()) return nullptr;
    }
    if (!is_plain_f32(record, module.modules(), tensors)) return nullptr;
    return std::make_unique<PreparedConv>(module, record, tensors);
  };
}

}  // namespace graftwork
