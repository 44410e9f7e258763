// The one thing that pictures say about themselves and that changes what they show: which way is up.
#pragma once

#include <cstddef>
#include <span>

namespace graftwork::core {

/// The orientation, 1 to 8, in a block of Exif data (a TIFF structure, "II*\0" or "MM\0*"). 1, upright, where there is
/// none or the block is damaged: what cannot be read is not worth refusing a picture for.
int exif_orientation(std::span<const std::byte> exif);

}  // namespace graftwork::core
