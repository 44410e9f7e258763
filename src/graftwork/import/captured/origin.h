// Where a node of the graph comes from, by what the program says of the call.
#pragma once

#include <string>

#include "graftwork/import/captured/program.h"
#include "graftwork/ir/graph.h"

namespace graftwork::core::captured {

/// The path of the torch.nn module that the call is the body of ("layer1.0.conv1"); for code in a forward of the
/// user's own, that module's path and `name` ("layer1.0.add_2").
Origin origin_of(const Call& call, const std::string& name);

/// For a line in an error: "%add_ = aten.add_.Tensor in layer1.0.add_ (model.py:88)".
std::string place_of(const Call& call);

}  // namespace graftwork::core::captured
