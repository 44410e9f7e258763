// Exported programs write in place and through views; the graph knows values only. Here every write becomes a new
// value, and what shares its memory is read from that value afterwards.
#pragma once

#include <map>
#include <string>

#include "graftwork/import/pt2/schema.h"

namespace graftwork::pt2 {

/// Rewrites `program.graph` so that no call writes to its arguments. A write to a view is written back through it into
/// what it is a view of (slices and a concatenation), and other views are taken again when they are next read. Calls
/// whose results nobody reads any more go away. Programs that do not write are left alone.
///
/// What a program writes to its inputs is not seen outside. What it writes to its buffers neither, which is harmless
/// where the results do not depend on them (the counter and the statistics of batch norm).
///
/// `canonical` maps names of parameters and buffers to the one name of tied ones. Throws Error "pt2.in_place" with all
/// writes that cannot be made functional, each with its place.
void functionalise(ExportedProgram& program, const std::map<std::string, std::string, std::less<>>& canonical);

}  // namespace graftwork::pt2
