#include "graftwork/patterns/quantizations/data_movement.h"

#include <algorithm>
#include <array>

#include "graftwork/patterns/activations.h"

namespace graftwork {

bool moves_data(Symbol op) {
  static const std::array<Symbol, 13> kMoves{"nn.Flatten",
                                             "nn.PixelShuffle",
                                             "nn.PixelUnshuffle",
                                             "nn.ChannelShuffle",
                                             "aten.view.default",
                                             "aten.reshape.default",
                                             "aten.permute.default",
                                             "aten.transpose.int",
                                             "aten.unsqueeze.default",
                                             "aten.squeeze.dim",
                                             "aten.squeeze.dims",
                                             "aten.flatten.using_ints",
                                             "aten._unsafe_view.default"};
  return std::find(kMoves.begin(), kMoves.end(), op) != kMoves.end();
}

bool keeps_int8(Symbol op) {
  static const std::array<Symbol, 14> kKeeps{
      "aten.cat.default",     "aten.chunk.default",  "aten.split.Tensor",   "aten.split_with_sizes.default",
      "aten.slice.Tensor",    "aten.select.int",     "aten.expand.default", "get_item",
      "nn.MaxPool1d",         "nn.MaxPool2d",        "nn.MaxPool3d",        "nn.AdaptiveMaxPool1d",
      "nn.AdaptiveMaxPool2d", "nn.AdaptiveMaxPool3d"};
  return moves_data(op) || std::find(kKeeps.begin(), kKeeps.end(), op) != kKeeps.end();
}

bool stops_dq(Symbol op) {
  static const std::array<Symbol, 7> kStops{"nn.Upsample",         "nn.AvgPool1d",         "nn.AvgPool2d",
                                            "nn.AvgPool3d",        "nn.AdaptiveAvgPool1d", "nn.AdaptiveAvgPool2d",
                                            "nn.AdaptiveAvgPool3d"};
  const auto activations = fusible_activations();
  return std::find(kStops.begin(), kStops.end(), op) != kStops.end() ||
         std::find(activations.begin(), activations.end(), op) != activations.end();
}

Node& before_data_movement(Node& value) {
  Node* at = &value;
  while (moves_data(at->op()) && at->input_count() == 1) at = &at->input(0);
  return *at;
}

Node& quantized_tensor(Node& value) {
  Node* tensor = &value;
  while (moves_data(tensor->op()) && tensor->input_count() == 1 && tensor->use_count() == 1) tensor = &tensor->input(0);
  return *tensor;
}

}  // namespace graftwork
