// Layers that torch runs as one operator, as the operators that the layer is written with.
#include "graftwork/import/captured/decompose/decomposition.h"
#include "graftwork/import/captured/decompose/operators/attention.h"

namespace graftwork::core::captured {
namespace {

using Tensors = std::vector<at::Tensor>;

constexpr const char* kConvolution = "aten._convolution.default";
constexpr const char* kAttention = "aten._native_multi_head_attention.default";
constexpr const char* kEncoderLayer = "aten._transformer_encoder_layer_fwd.default";

/// What torch::jit::trace writes for every convolution, less the switches that say how it is computed.
Tensors convolution(const Arguments& args) {
  return {at::convolution(args.tensor("input"), args.tensor("weight"), args.optional_tensor("bias"),
                          args.integers("stride"), args.integers("padding"), args.integers("dilation"),
                          args.flag("transposed"), args.integers("output_padding"), args.integer("groups"))};
}

/// The last dimension as heads: [batch, tokens, embedding] → [batch, heads, tokens, embedding of a head].
at::Tensor heads_of(const at::Tensor& x, int64_t heads) {
  return at::transpose(at::reshape(x, {-1, x.size(1), heads, x.size(2) / heads}), 1, 2);
}

/// Queries, keys and values. `weight` [3 · embedding, embedding] and `bias` are those of the three, one below the
/// other.
Tensors projected(const Arguments& args, const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                  int64_t heads) {
  const at::Tensor &weight = args.tensor("qkv_weight"), &bias = args.tensor("qkv_bias");
  if (heads < 1 || query.size(2) % heads != 0) leave_as_it_is("its heads do not divide the embedding");
  if (query.is_same(key) && key.is_same(value)) {
    const at::Tensor packed =
        at::reshape(at::linear(query, weight, bias), {-1, query.size(1), 3, heads, query.size(2) / heads});
    return at::unbind(at::permute(packed, {2, 0, 3, 1, 4}), 0);
  }
  const Tensors weights = at::chunk(weight, 3, 0), biases = at::chunk(bias, 3, 0);
  const auto project = [&](const at::Tensor& x, size_t i) {
    return heads_of(at::linear(x, weights[i], biases[i]), heads);
  };
  return {project(query, 0), project(key, 1), project(value, 2)};
}

/// Where a key is seen, to be broadcast to [batch, heads, queries, keys]; undefined where all are. The operator's mask
/// is true, or not 0, where one is not. Source: torch.nn.MultiheadAttention.merge_masks.
at::Tensor seen(const Arguments& args) {
  at::Tensor mask = args.optional_tensor("mask");
  if (!mask.defined()) return {};
  constexpr int64_t kOfKeys = 1;  // [batch, keys]; the others are [queries, keys] and [batch, heads, queries, keys]
  if (mask.scalar_type() != at::kBool) mask = at::ne(mask, 0);
  mask = at::logical_not(mask);
  const bool is_of_keys = args.is_given("mask_type") && args.integer("mask_type") == kOfKeys;
  return is_of_keys ? at::unsqueeze(at::unsqueeze(mask, 1), 1) : mask;
}

/// The heads side by side again, through the last layer.
at::Tensor joined(const Arguments& args, const at::Tensor& context) {
  const at::Tensor heads = at::transpose(context, 1, 2);
  return at::linear(at::reshape(heads, {-1, heads.size(1), heads.size(2) * heads.size(3)}), args.tensor("proj_weight"),
                    args.tensor("proj_bias"));
}

at::Tensor attended(const Arguments& args, const Tensors& parts) {
  return joined(args, attended_values(scaled_scores(parts[0], parts[1]), parts[2], seen(args)));
}

Tensors attention(const Arguments& args) {
  const at::Tensor& query = args.tensor("query");
  const Tensors parts = projected(args, query, args.tensor("key"), args.tensor("value"), args.integer("num_head"));
  if (!args.is_read(1) || !args.flag("need_weights")) return {attended(args, parts), at::Tensor()};
  const at::Tensor weights = attention_weights(scaled_scores(parts[0], parts[1]), seen(args));
  return {joined(args, at::matmul(weights, parts[2])),
          args.flag("average_attn_weights") ? at::mean(weights, {1}) : weights};
}

/// torch.nn.TransformerEncoderLayer.forward.
Tensors encoder_layer(const Arguments& args) {
  const auto norm = [&](const at::Tensor& x, const char* weight, const char* bias) {
    return at::layer_norm(x, {args.integer("embed_dim")}, args.tensor(weight), args.tensor(bias),
                          args.number("eps").toDouble());
  };
  const auto attend = [&](const at::Tensor& x) {
    return attended(args, projected(args, x, x, x, args.integer("num_heads")));
  };
  const auto feed_forward = [&](const at::Tensor& x) {
    const at::Tensor wide = at::linear(x, args.tensor("ffn_weight_1"), args.tensor("ffn_bias_1"));
    return at::linear(args.flag("use_gelu") ? at::gelu(wide) : at::relu(wide), args.tensor("ffn_weight_2"),
                      args.tensor("ffn_bias_2"));
  };
  const auto first = [&](const at::Tensor& x) { return norm(x, "norm_weight_1", "norm_bias_1"); };
  const auto second = [&](const at::Tensor& x) { return norm(x, "norm_weight_2", "norm_bias_2"); };
  at::Tensor x = args.tensor("src");
  if (x.dim() != 3) return stays("its tokens are no batch");
  if (args.flag("norm_first")) {
    x = at::add(x, attend(first(x)));
    return {at::add(x, feed_forward(second(x)))};
  }
  x = first(at::add(x, attend(x)));
  return {second(at::add(x, feed_forward(x)))};
}

}  // namespace

Decompositions fused_layer_decompositions() {
  return {{kConvolution, convolution}, {kAttention, attention}, {kEncoderLayer, encoder_layer}};
}

bool is_for(Symbol op, bool is_part) { return !is_part || op != Symbol(kConvolution); }

bool is_made_of_layers(Symbol op) { return op == Symbol(kAttention) || op == Symbol(kEncoderLayer); }

}  // namespace graftwork::core::captured
