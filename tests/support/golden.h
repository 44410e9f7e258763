// Runs golden files (golden_file.h): one GoogleTest per case.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "graftwork/ir/graph_module.h"

namespace graftwork::core::testing {

/// Runs both networks on the same random inputs and parameters, made from `seed`; a sentence when their results
/// differ by more than `tolerance`.
using NumericCheck = std::function<std::optional<std::string>(const GraphModule& before, const GraphModule& after,
                                                              double tolerance, uint64_t seed)>;

/// Registers a test for each case of each `*.gir` file under `folder`. Beside what the case expects, each test asserts
/// that printing and parsing agree, that the network is valid before and after, that a second run changes nothing, and
/// that the order in which the nodes are stored does not matter; with `numeric`, that a changed network's results are
/// equal. With GRAFTWORK_UPDATE_GOLDENS=1 in the environment first rewrites what the files expect.
void register_goldens(const std::filesystem::path& folder, NumericCheck numeric = nullptr);

}  // namespace graftwork::core::testing
