// Networks from files.
#pragma once

#include <graftwork/network.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace graftwork {

struct LoadOptions {
  /// Loading a TorchScript file runs the code that it holds: only when whoever asks for it says so.
  bool allow_code = false;
  /// What a TorchScript module is run on, by the names of forward's arguments; tensors without a name are its arguments
  /// in order. The file does not say what shapes it takes.
  std::vector<std::pair<std::string, at::Tensor>> example = {};
};

/// Reads a `.pt2` file (torch.export.save, torch 2.6 or later): weights are mapped, not read; nothing is unpickled, and
/// nothing runs but operators on constants. A TorchScript file (torch.jit.save) is run on the example and recorded, as
/// capture() records. Throws Error "file.*", "archive.*", "pickle.*", "pt2.*", "torchscript.*", "capture.*".
GRAFTWORK_API Network load(const std::filesystem::path& path, const LoadOptions& options = {});

}  // namespace graftwork
