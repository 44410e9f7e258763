// How many threads torch works with.
#pragma once

namespace graftwork::core::cli {

/// Lets torch use no more threads than the process may make, which in containers can be fewer than it has processors:
/// OpenMP ends a process that gets fewer than it asked for. All of them share one heap: in heaps of their own lies, and
/// is lost to the others, what they have given back.
void limit_threads();

}  // namespace graftwork::core::cli
