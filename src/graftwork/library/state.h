// What the handles of the public headers point to, and the way from one side to the other.
#pragma once

#include <graftwork/network.h>
#include <graftwork/pattern.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "graftwork/import/captured/build_network.h"
#include "graftwork/patterns/backend.h"
#include "graftwork/patterns/lists.h"
#include "graftwork/train/qat_network.h"

namespace graftwork::detail {

/// Never changes once a handle points to it.
struct NetworkState {
  core::LoadedNetwork loaded;
  /// The file that its scales were rounded for; absent where it has none.
  std::optional<core::FreezeOptions> rounded_for = {};
  /// What a file that is made of it says of where it comes from.
  std::vector<std::pair<std::string, std::string>> provenance = {};

  const core::Network& network() const { return loaded.network; }
  const core::GraphModule& module() const { return loaded.network.module; }
};

struct PatternState {
  core::PatternSections sections;
  core::SmoothingList smoothings = {};
  core::QuantizationList quantizations = {};
};

struct BackendState {
  std::shared_ptr<const core::Backend> backend;
};

Network network_of(core::LoadedNetwork loaded);
/// One that was made of `origin`, whose tensors, or copies of them, it has.
Network network_of(const Network& origin, core::Network made, std::optional<core::FreezeOptions> rounded_for = {},
                   std::vector<std::pair<std::string, std::string>> provenance = {});

Patterns patterns_of(PatternState state);

/// Those of the rooms, behind which operators are raised to modules first.
core::PatternSections sections_of(const Patterns& patterns);

/// Nothing where the type is no tensor's.
std::optional<TensorInfo> tensor_info(std::string name, const core::Type& type);

std::vector<std::string> strings_of(const std::vector<core::Symbol>& symbols);

}  // namespace graftwork::detail
