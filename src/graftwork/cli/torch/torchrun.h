// The processes that torchrun has started.
#pragma once

#include <memory>

#include "graftwork/cli/torch/interrupt.h"
#include "graftwork/quant/exchange.h"

namespace graftwork::core::cli {

/// The job of several processes that this one belongs to, by the variables that torchrun sets (RANK, WORLD_SIZE,
/// MASTER_ADDR, MASTER_PORT); null when it runs alone. Says so on standard error when it waits for others for long, and
/// tells them when it ends by an exception. Throws Error "process.environment" for variables that make no sense,
/// "process.store" when the others cannot be reached; gather() throws "process.failed", "process.store", "interrupted".
/// The process that holds the store of a job without torchrun's stays, when it ends well, until the others have left,
/// 10 seconds at most.
std::unique_ptr<Exchange> processes_of_torchrun(const InterruptGuard& interrupt);

}  // namespace graftwork::core::cli
