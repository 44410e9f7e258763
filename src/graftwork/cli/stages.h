// The stages of the pipeline as subcommands string them together: load, transform, quantize.
#pragma once

#include "graftwork/cli/interrupt.h"
#include "graftwork/cli/options.h"
#include "graftwork/cli/planned.h"
#include "graftwork/import/load.h"
#include "graftwork/quant/quantize.h"
#include "graftwork/rewrite/report.h"

namespace graftwork::cli {

/// Loads a network with its weights. Throws Error "model.weights" for a printed graph, else what load_network does.
LoadedNetwork load_model(const std::filesystem::path& path);

/// Throws Error "export.unsupported" that lists all operators which cannot be run or exported.
void refuse_unsupported(const LoadedNetwork& loaded);

struct TransformedNetwork {
  Network network;
  Report report;
};

/// Shares the tensors of `network`.
TransformedNetwork transform_network(const Network& network, const PlanFile& plan, const PatternSections& lists);

/// Opens the samples and quantizes, with progress and Ctrl-C. Throws Error "interrupted", "data.*" that name the data,
/// and what graftwork::quantize does.
QuantizationResult quantize_network(const Network& transformed, const PlanFile& plan, const CalibrationFlags& flags,
                                    const InterruptGuard& interrupt);

}  // namespace graftwork::cli
