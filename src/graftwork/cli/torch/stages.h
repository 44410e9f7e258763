// The stages of the pipeline as subcommands string them together: load, transform, quantize.
#pragma once

#include "graftwork/cli/graph/planned.h"
#include "graftwork/cli/requests.h"
#include "graftwork/cli/torch/interrupt.h"
#include "graftwork/export/lower.h"
#include "graftwork/import/load.h"
#include "graftwork/quant/quantize.h"
#include "graftwork/rewrite/report.h"

namespace graftwork::core::cli {

/// Loads a network with its weights, and says on standard error what of it computes as in training, and what recording
/// it has fixed, unless `quiet`. Throws Error "model.weights" for a printed graph, "usage" where `open` speaks of the
/// inputs of a file that knows its own, else what load_network and load_torchscript do.
LoadedNetwork load_as_it_is(const std::filesystem::path& path, const OpenFlags& open, bool quiet = false);
/// The same of one that is to run, quiet and within a limit of memory as `flags` have it. Throws Error
/// "export.unsupported" too, which lists all operators that cannot be run or exported.
LoadedNetwork load_to_run(const std::filesystem::path& path, const OpenFlags& open, const CalibrationFlags& flags);

/// Throws Error "usage" when the user says what to make of pictures and none of the files and folders holds any.
void check_image_options(const ImageOptions& images, const std::vector<std::filesystem::path>& data);

struct TransformedNetwork {
  Network network;
  Report report;
};

/// Shares the tensors of `network`.
TransformedNetwork transform_network(const Network& network, const PlanFile& plan, const PatternSections& lists);

/// Refuses what cannot be written, with the reasons why no pattern made it something that can: what try_lowering
/// throws. What it warns of.
std::vector<std::string> refuse_unwritable(const TransformedNetwork& transformed, const ExportOptions& options);

/// What of the network cannot be run or written, a line each: as the file says, or as it would turn out after the
/// transformation by the patterns that the command has of itself.
std::vector<std::string> unusable(const LoadedNetwork& loaded);

/// Opens the samples and quantizes, with progress and Ctrl-C; with losses, measures those too. `processes` share the
/// calibration; null: this one does it alone. Throws Error "interrupted", "data.*" that name the data, and what
/// graftwork::core::quantize does.
QuantizationResult quantize_network(const Network& transformed, const PlanFile& plan, const CalibrationFlags& flags,
                                    const InterruptGuard& interrupt, bool with_losses, Exchange* processes = nullptr);

}  // namespace graftwork::core::cli
