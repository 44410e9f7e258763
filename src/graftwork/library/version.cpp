#include <graftwork/graftwork.h>

namespace graftwork {

std::string_view version() { return GRAFTWORK_VERSION; }

}  // namespace graftwork
