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
  /// For files of strangers: the `graftwork` command opens the file first, as `graftwork inspect --quiet` does, in a
  /// process of its own that has limits of memory and time. What ends that process, a crash of a library included, is
  /// the Error that load() throws. Takes about 0.2 s more, most of them for opening libtorch again, and opens the file
  /// twice. The calling process is not forked, and may ignore SIGCHLD or wait for any child. The limit is one of
  /// processor time: a file system that does not answer keeps the caller waiting.
  bool isolated = false;
  /// The command that does so. Empty: bin/graftwork of the folder that this library is installed in.
  std::filesystem::path helper = {};
};

/// Reads a `.pt2` file (torch.export.save, torch 2.6 or later): weights are mapped, not read; nothing is unpickled, and
/// nothing runs but operators on constants. A TorchScript file (torch.jit.save) is run on the example and recorded, as
/// capture() records. Throws Error "file.*", "archive.*", "pickle.*", "pt2.*", "torchscript.*", "capture.*", "memory";
/// with `isolated` also "model.crash", "model.time", "process.*".
///
/// Without `isolated` all of it happens in the calling process. Files are checked, and what computes constants is a
/// short list of operators whose arguments, memory and time are bounded; but nothing contains a defect of torch's
/// kernels, nor of ours: a file made to meet one can end the process. Another program that shortens the file while the
/// network is in use ends it by SIGBUS, with `isolated` too: weights are read where they lie.
GRAFTWORK_API Network load(const std::filesystem::path& path, const LoadOptions& options = {});

}  // namespace graftwork
