// Where a node of the exported program comes from: its metadata, read as hints.
#pragma once

#include <string>

#include "graftwork/import/pt2/schema.h"
#include "graftwork/ir/graph.h"

namespace graftwork::pt2 {

/// The path of the torch.nn module that the node is the body of ("layer1.0.conv1"); for code in a forward
/// of the user's own, that module's path and the node's name ("layer1.0.add_2"). The source is the last
/// line of the stack trace, "model.py:88".
Origin origin_of(const Node& node, const std::string& name);

/// For a line in an error: "%add_ = aten.add_.Tensor in layer1.0.add_ (model.py:88)".
std::string place_of(const Node& node);

}  // namespace graftwork::pt2
