// What a file says of its values, held against what the operators give.
#pragma once

#include "graftwork/ir/graph_module.h"

namespace graftwork::core::captured {

/// Everything behind the importer believes the types of values: which axes there are, above all. So operators that may
/// run while a file is opened give the shapes of their results here, without elements (the device "meta"), with two
/// examples of each size that is known at run time. Ranks are held against the file's, and so are extents that come
/// out alike for both examples. Operators that give lists, and those which torch refuses with these numbers, are left
/// out. Some microseconds for each node. Throws Error "pt2.graph" that names a node of another shape, or an axis that
/// there is not.
void check_shapes(const GraphModule& module);

}  // namespace graftwork::core::captured
