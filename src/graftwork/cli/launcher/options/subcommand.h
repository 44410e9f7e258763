// One subcommand's part of the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <variant>

#include "graftwork/cli/requests.h"

namespace graftwork::core::cli {

using Request = std::variant<QuantizeRequest, TransformRequest, PlanRequest, ExplainRequest, InspectRequest, RunRequest,
                             SensitivityRequest, CompareRequest>;

/// Has added its options and its help, and holds what they write into while the command line is read.
class Subcommand {
 public:
  explicit Subcommand(CLI::App& app) : app_(app) {}
  virtual ~Subcommand() = default;
  Subcommand(const Subcommand&) = delete;
  Subcommand& operator=(const Subcommand&) = delete;

  CLI::App& app() const { return app_; }
  /// What is asked for, once the command line is read. Throws Error "usage" for options that do not go together.
  virtual Request request() = 0;

 private:
  CLI::App& app_;
};

/// Each adds its own to the command.
std::unique_ptr<Subcommand> add_quantize(CLI::App& command);
std::unique_ptr<Subcommand> add_transform(CLI::App& command);
std::unique_ptr<Subcommand> add_plan(CLI::App& command);
std::unique_ptr<Subcommand> add_explain(CLI::App& command);
std::unique_ptr<Subcommand> add_inspect(CLI::App& command);
std::unique_ptr<Subcommand> add_run(CLI::App& command);
std::unique_ptr<Subcommand> add_sensitivity(CLI::App& command);
std::unique_ptr<Subcommand> add_compare(CLI::App& command);

}  // namespace graftwork::core::cli
