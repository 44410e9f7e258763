// Training that stops and goes on.
#pragma once

#include <cstdint>
#include <filesystem>

#include "graftwork/train/optimizer_state.h"

namespace graftwork::core {

/// Writes all that further steps depend on: parameters, buffers and modes of the network, the state of the optimiser
/// (SGD, Adam, AdamW) with its learning rates, torch's random numbers, and how many steps there were. A run that goes
/// on from here computes what one that never stopped computes, to the last bit on the same machine and threads, if it
/// is given the same batches. An .npz, readable by numpy; same state, same bytes; written whole or not at all. Throws
/// Error "train.optimizer", "file.unwritable".
void save_checkpoint(const std::filesystem::path& path, const QatNetwork& network,
                     const torch::optim::Optimizer& optimizer, int64_t step);

/// Puts all of that back, in tensors that stay where they are, and returns the step. Options of the optimiser other
/// than learning rates are the caller's. Throws, before anything is changed, Error "train.checkpoint" for the
/// checkpoint of another network, also of one that began with other numbers, for one with other learned scales, and for
/// a file that is none, "train.optimizer" as restore does, and what NpzReader throws.
int64_t load_checkpoint(const std::filesystem::path& path, QatNetwork& network, torch::optim::Optimizer& optimizer);

}  // namespace graftwork::core
