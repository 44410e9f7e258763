// Captured programs write in place and through views; the graph knows values only. Here every write becomes a new
// value, and what shares its memory is read from that value afterwards.
#pragma once

#include "graftwork/import/captured/program.h"

namespace graftwork::core::captured {

/// Whether any call writes to its arguments, or the program to its buffers: then there is something to do.
bool writes_in_place(const Program& program);

/// Rewrites `program.calls` so that no call writes to its arguments. A write to a view is written back through it into
/// what it is a view of (slices and a concatenation), and other views are taken again when they are next read. Calls
/// whose results nobody reads any more go away. Programs that do not write are left alone.
///
/// What a program writes to its inputs is not seen outside. What it writes to its buffers neither, which is harmless
/// where the results do not depend on them (the counter and the statistics of batch norm).
///
/// Throws Error "pt2.in_place" with all
/// writes that cannot be made functional, each with its place.
void functionalise(Program& program);

}  // namespace graftwork::core::captured
