#include "graftwork/base/first_of.h"

#include <algorithm>

#include "graftwork/base/text.h"

namespace graftwork::core {

std::string first_of(const std::vector<std::string>& names) {
  constexpr size_t kShown = 8;
  const std::vector<std::string> first(names.begin(),
                                       names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), kShown)));
  return cat(join(first), names.size() > kShown ? cat(" and ", names.size() - kShown, " more") : "");
}

}  // namespace graftwork::core
