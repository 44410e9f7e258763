#include "graftwork/import/load.h"

#include <graftwork/load.h>

#include "graftwork/import/captured/observe_operators.h"
#include "graftwork/import/recorded/torchscript.h"
#include "graftwork/library/state.h"

namespace graftwork {

Network load(const std::filesystem::path& path, const LoadOptions& options) {
  const core::captured::Unobserved unobserved;  // a capture that this happens in records what networks do
  if (core::is_torchscript(path))
    return detail::network_of(core::load_torchscript(path, options.example, {.allow_code = options.allow_code}));
  return detail::network_of(core::load_network(path));
}

}  // namespace graftwork
