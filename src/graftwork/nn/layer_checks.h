// What kernels of whole layers take for granted of their arguments (argument_checks.h).
#pragma once

#include <ATen/core/stack.h>

#include "graftwork/base/outcome.h"

namespace graftwork::core {

/// input, states, parameters, whether these have biases, layers, dropout, whether it trains, whether it goes both ways,
/// whether the batch is first. Kernels take states and parameters by their address alone.
Outcome check_lstm(const torch::jit::Stack& arguments);
Outcome check_gru(const torch::jit::Stack& arguments);
Outcome check_rnn(const torch::jit::Stack& arguments);

/// query, key, value, mask, dropout: as many keys as values.
Outcome check_attention(const torch::jit::Stack& arguments);

/// input, weight, bias, N, C, H·W, groups: the input's sizes once more.
Outcome check_group_norm(const torch::jit::Stack& arguments);

/// input, probability, whether it trains.
Outcome check_dropout(const torch::jit::Stack& arguments);

}  // namespace graftwork::core
