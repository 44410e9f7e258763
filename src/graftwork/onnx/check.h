// A cheap look at a model's structure before it is written: a defect of ours should be found here,
// by name, not by whoever loads the file.
#pragma once

#include "graftwork/onnx/model.h"

namespace graftwork::core::onnx {

/// Throws InternalError that names the place where
/// - a node reads a value that nothing before it defines, or the graph returns one that does not exist;
/// - two values, two nodes or two attributes of a node share a name, or a needed name is empty;
/// - a tensor's bytes do not fit its shape and type, or a listed value has a negative size;
/// - a node's domain is not among the model's, or a version is out of range.
/// Linear in the number of nodes, values and tensors; it looks at no element.
void check_model(const Model& model);

}  // namespace graftwork::core::onnx
