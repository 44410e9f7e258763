// The command with all its subcommands: what is read from a command line, and what a manual is made from.
#pragma once

#include <memory>
#include <vector>

#include "graftwork/cli/launcher/options/subcommand.h"

namespace graftwork::core::cli {

class CommandOptions {
 public:
  CommandOptions();

  CLI::App& app() { return app_; }
  const CLI::App& app() const { return app_; }
  /// In the order in which help has them.
  const std::vector<std::unique_ptr<Subcommand>>& subcommands() const { return subcommands_; }

 private:
  CLI::App app_{
      "Takes a PyTorch network to INT8 for TensorRT:\n"
      "  model.pt2 -> import -> transform (fuse) -> calibrate -> quantize -> model.onnx with explicit Q/DQ",
      "graftwork"};
  std::vector<std::unique_ptr<Subcommand>> subcommands_;
};

}  // namespace graftwork::core::cli
