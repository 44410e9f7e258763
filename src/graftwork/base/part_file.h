// Names of files that are being written.
#pragma once

#include <string>
#include <string_view>

#include "graftwork/base/output_folder.h"

namespace graftwork::core {

/// "NAME.<24 hexadecimal digits>.graftwork-part", another one each time. 16 digits are of chance, 8 are their checksum
/// with NAME: a file of somebody else's does not have such a name. Of a long NAME its first kLongestStem bytes.
std::string part_name(std::string_view name);

/// Whether part_name(name) can have given it.
bool is_part_of(std::string_view part, std::string_view name);

/// Makes an empty file of such a name, locked for as long as it is open: whoever finds it locked knows that it is being
/// written. `mode` is the most that others may do with it. Returns the descriptor, or -1 with errno.
int make_part(const OutputFolder& folder, std::string_view name, mode_t mode, std::string& part);

/// Removes what killed processes left of files that were to become `name`.
void remove_leftovers(const OutputFolder& folder, std::string_view name);

}  // namespace graftwork::core
