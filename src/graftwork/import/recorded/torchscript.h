// TorchScript files, recorded while they run.
#pragma once

#include <filesystem>

#include "graftwork/import/recorded/record.h"

namespace graftwork::core {

struct TorchScriptOptions {
  /// Loading and running a file executes the code that it holds: only when whoever asks for it says so.
  bool allow_code = false;
};

/// Whether the file is an archive that torch.jit.save has written, as the names of its entries tell. Nothing of it
/// runs.
bool is_torchscript(const std::filesystem::path& path);

/// Loads a scripted, traced or frozen module, runs its forward on `inputs`, and records that (record.h); then runs both
/// on other inputs (verify_replay), unless the network has operators that cannot be run. The module stays in the mode
/// that it was saved in. `inputs` are forward's arguments by name; those without a name are its tensors in order.
/// Arguments that are not given take their defaults. Results in tuples, lists and dicts are named by their paths,
/// "boxes_0", "output_1".
///
/// Throws Error "torchscript.code" without `allow_code`, "torchscript.file" (no TorchScript, or of operators that this
/// torch has not), "torchscript.input" (an argument that is no tensor or unknown), "torchscript.example" (one that is
/// missing), "torchscript.forward" (what forward throws), "capture.*".
LoadedNetwork load_torchscript(const std::filesystem::path& path, const NamedTensors& inputs,
                               const TorchScriptOptions& options);

}  // namespace graftwork::core
