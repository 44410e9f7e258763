// Where the tensors of an archive lie, in any layout that torch has written.
#pragma once

#include "graftwork/import/pt2/archive_layout.h"
#include "graftwork/import/pt2/schema.h"

namespace graftwork::core::pt2 {

/// The parameters and persistent buffers of the archive, or with `constants` everything else that it stores. Throws
/// Error "pt2.json", "pt2.schema".
PayloadConfig read_payloads(const Pt2Archive& archive, bool constants);

}  // namespace graftwork::core::pt2
