#include "graftwork/import/load.h"

#include <graftwork/load.h>

#include "graftwork/import/captured/observe_operators.h"
#include "graftwork/import/recorded/torchscript.h"
#include "graftwork/library/helper_program.h"
#include "graftwork/library/state.h"

namespace graftwork {

Network load(const std::filesystem::path& path, const LoadOptions& options) {
  const core::captured::Unobserved unobserved;  // a capture that this happens in records what networks do
  const bool is_script = core::is_torchscript(path);
  if (options.isolated && is_script) {
    throw Error("torchscript.isolated", "a TorchScript file cannot be tried in a process of its own",
                "isolated = false, where the file comes from somebody you trust")
        .at(path.string());
  }
  if (options.isolated) detail::open_in_helper(path, options.helper);
  if (is_script)
    return detail::network_of(core::load_torchscript(path, options.example, {.allow_code = options.allow_code}));
  return detail::network_of(core::load_network(path));
}

}  // namespace graftwork
