// What stays resident although nobody needs it.
#pragma once

#include <cstddef>
#include <span>

namespace graftwork::core {

/// Gives the heap's free pages back to the system. After much work on small pieces they lie between others, too small
/// for the large ones that come next, and would stay resident. Takes milliseconds; does nothing where the C library
/// is not glibc.
void trim_heap();

/// The pages of a privately mapped file leave this process (not the system's cache of the file); whoever reads them
/// again has them again. Nothing happens where one of them was written to, or where the system does not say.
void let_go_of_pages(std::span<const std::byte> mapped);

}  // namespace graftwork::core
