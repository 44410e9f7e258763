// Colours and directions.
#pragma once

#include "graftwork/data/image/image.h"

namespace graftwork::core {

/// The picture in grey (ITU-R BT.601 luma, rounded) or RGB. Inks (4 channels) become RGB first.
Image in_color(Image image, ImageColor color);

/// Undoes an Exif orientation (1 to 8): mirrors and turns so that the picture stands upright.
Image upright(Image image, int orientation);

}  // namespace graftwork::core
