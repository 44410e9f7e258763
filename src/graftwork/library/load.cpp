#include "graftwork/import/load.h"

#include <graftwork/load.h>

#include "graftwork/library/state.h"

namespace graftwork {

Network load(const std::filesystem::path& path) { return detail::network_of(core::load_network(path)); }

}  // namespace graftwork
