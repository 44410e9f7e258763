#include "graftwork/nn/layer_checks.h"

#include <ATen/ATen.h>

#include <vector>

#include "graftwork/base/saturating.h"

namespace graftwork::core {
namespace {

using Stack = torch::jit::Stack;
using Tensors = std::vector<at::Tensor>;

bool has_sizes(const at::Tensor& tensor, std::vector<int64_t> sizes) {
  return tensor.sizes() == at::IntArrayRef(sizes);
}

/// What a layer says of itself.
struct Recurrence {
  int64_t gates, layers, ways;
  int64_t hidden;     ///< Numbers of a state.
  int64_t projected;  ///< Numbers of its result.
  bool has_biases;
};

/// For each layer and way: weights of input and state, biases of both, and what the result is projected by.
bool fit(const Tensors& parameters, const Recurrence& layer, int64_t input_size) {
  const bool projects = layer.projected != layer.hidden;
  const int64_t of_each = (layer.has_biases ? 4 : 2) + (projects ? 1 : 0),
                rows = saturating_product(layer.gates, layer.hidden);
  if (static_cast<int64_t>(parameters.size()) != layer.layers * layer.ways * of_each) return false;
  for (int64_t i = 0; i < layer.layers * layer.ways; ++i) {
    const at::Tensor* own = &parameters[static_cast<size_t>(i * of_each)];
    const int64_t columns = i < layer.ways ? input_size : saturating_product(layer.projected, layer.ways);
    if (!has_sizes(own[0], {rows, columns}) || !has_sizes(own[1], {rows, layer.projected})) return false;
    if (layer.has_biases && (!has_sizes(own[2], {rows}) || !has_sizes(own[3], {rows}))) return false;
    if (projects && !has_sizes(own[of_each - 1], {layer.projected, layer.hidden})) return false;
  }
  return true;
}

Outcome check_recurrent(const Stack& arguments, int64_t gates, const Tensors& states) {
  constexpr int64_t kMostLayers = 1024;
  const at::Tensor& input = arguments.at(0).toTensor();
  Recurrence layer{.gates = gates,
                   .layers = arguments.at(4).toInt(),
                   .ways = arguments.at(7).toBool() ? 2 : 1,
                   .hidden = 0,
                   .projected = 0,
                   .has_biases = arguments.at(3).toBool()};
  if (layer.layers < 1 || layer.layers > kMostLayers) return declined("it has no layers, or too many");
  if (arguments.at(6).toBool() && arguments.at(5).toDouble() > 0) return declined("it draws random numbers");
  if (input.dim() != 3) return declined("its input is no batch of sequences");
  const int64_t batch = input.size(arguments.at(8).toBool() ? 0 : 1);
  for (const at::Tensor& state : states) {
    if (state.scalar_type() != input.scalar_type()) return declined("its states are of another type");
    if (state.dim() != 3 || state.size(0) != layer.layers * layer.ways || state.size(1) != batch)
      return declined("its states are not those of its layers");
  }
  layer.projected = states.front().size(2);
  layer.hidden = states.back().size(2);
  if (layer.hidden < 1) return declined("its states have no numbers");
  const Tensors parameters = arguments.at(2).toTensorVector();
  for (const at::Tensor& parameter : parameters) {
    if (parameter.scalar_type() != input.scalar_type()) return declined("its parameters are of another type");
  }
  return fit(parameters, layer, input.size(2)) ? applied() : declined("its parameters are not those of its layers");
}

}  // namespace

Outcome check_lstm(const Stack& arguments) {
  const Tensors states = arguments.at(1).toTensorVector();
  return states.size() == 2 ? check_recurrent(arguments, 4, states) : declined("it has no two states");
}

Outcome check_gru(const Stack& arguments) { return check_recurrent(arguments, 3, {arguments.at(1).toTensor()}); }

Outcome check_rnn(const Stack& arguments) { return check_recurrent(arguments, 1, {arguments.at(1).toTensor()}); }

Outcome check_attention(const Stack& arguments) {
  const at::Tensor &query = arguments.at(0).toTensor(), &key = arguments.at(1).toTensor(),
                   &value = arguments.at(2).toTensor();
  if (query.dim() < 2 || key.dim() < 2 || value.dim() < 2)
    return declined("its queries, keys or values are no vectors");
  if (query.size(-1) != key.size(-1)) return declined("its queries are not as long as its keys");
  if (key.size(-2) != value.size(-2)) return declined("it has not as many keys as values");
  return arguments.at(4).toDouble() != 0 ? declined("it draws random numbers") : applied();
}

Outcome check_group_norm(const Stack& arguments) {
  const at::Tensor& input = arguments.at(0).toTensor();
  const int64_t samples = arguments.at(3).toInt(), channels = arguments.at(4).toInt(), places = arguments.at(5).toInt(),
                groups = arguments.at(6).toInt();
  if (input.dim() < 2 || input.size(0) != samples || input.size(1) != channels)
    return declined("its channels are not those of its input");
  int64_t rest = 1;
  for (const int64_t extent : input.sizes().slice(2)) rest *= extent;
  if (rest != places) return declined("its sizes are not those of its input");
  for (const size_t i : {1, 2}) {
    if (arguments[i].isTensor() && arguments[i].toTensor().defined() && !has_sizes(arguments[i].toTensor(), {channels}))
      return declined("its parameters are not those of its channels");
  }
  return groups < 1 || channels % groups != 0 ? declined("its channels make no such groups") : applied();
}

Outcome check_dropout(const Stack& arguments) {
  return arguments.at(2).toBool() ? declined("it draws random numbers") : applied();
}

}  // namespace graftwork::core
