// JPEG and PNG files → pictures.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "graftwork/data/image/image.h"
#include "graftwork/data/image/picture_memory.h"

namespace graftwork::core {

/// Whether the name ends as those of pictures do (.jpg, .jpeg, .png, in any case).
bool is_image_file(const std::filesystem::path& path);

/// Reads a JPEG or PNG file, whichever its first bytes tell, in the colours asked for and the right way up (Exif).
/// The bytes are those of Pillow's convert("RGB") or convert("L") where the JPEG decoders agree: palettes, bit depths
/// and CMYK are resolved, alpha is dropped, grey has the luma of ITU-R BT.601. One departure: 16-bit grey gives its
/// high byte, as 16-bit RGB does, where Pillow saturates. Throws Error "data.image" (another format, damaged, cut
/// short, a side of more than 131,072 pixels, more memory than `memory` grants) or "file.*", naming the file.
/// `room` is what was granted, to be kept as long as the picture.
Image read_image(const std::filesystem::path& path, ImageColor color, PictureMemory& memory, PictureMemory::Room& room);

/// The same from the bytes of a file; messages name none.
Image decode_image(std::span<const std::byte> bytes, ImageColor color, PictureMemory& memory,
                   PictureMemory::Room& room);
/// With memory of its own.
Image decode_image(std::span<const std::byte> bytes, ImageColor color);

}  // namespace graftwork::core
