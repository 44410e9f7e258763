#include "graftwork/library/state.h"

#include "graftwork/nn/dtypes.h"

namespace graftwork::detail {

Network network_of(core::LoadedNetwork loaded) {
  return Network(std::make_shared<const NetworkState>(NetworkState{std::move(loaded), {}, {}}));
}

Network network_of(const Network& origin, core::Network made, std::optional<core::FreezeOptions> rounded_for,
                   std::vector<std::pair<std::string, std::string>> provenance) {
  const NetworkState& before = *origin.state();
  NetworkState state{.loaded = {.network = std::move(made),
                                .unsupported = before.loaded.unsupported,
                                .in_training = before.loaded.in_training,
                                .trainable = before.loaded.trainable,
                                .warnings = before.loaded.warnings},
                     .rounded_for = std::move(rounded_for),
                     .provenance = std::move(provenance)};
  return Network(std::make_shared<const NetworkState>(std::move(state)));
}

std::optional<TensorInfo> tensor_info(std::string name, const core::Type& type) {
  const core::TensorType* tensor = type.tensor();
  if (!tensor) return std::nullopt;
  TensorInfo info{.name = std::move(name), .dtype = core::to_torch(tensor->dtype), .shape = {}};
  for (const core::Dim& dim : tensor->dims) info.shape.push_back({dim.maybe_value(), dim.text()});
  return info;
}

std::vector<std::string> strings_of(const std::vector<core::Symbol>& symbols) {
  std::vector<std::string> strings;
  for (const core::Symbol symbol : symbols) strings.push_back(symbol.str());
  return strings;
}

}  // namespace graftwork::detail
