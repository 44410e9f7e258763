// Graftwork: from a float network of PyTorch to an ONNX file with explicit Q/DQ for TensorRT. docs/cpp.md has a page on
// it.
#pragma once

#include <graftwork/capture.h>
#include <graftwork/error.h>
#include <graftwork/executor.h>
#include <graftwork/graph.h>
#include <graftwork/load.h>
#include <graftwork/network.h>
#include <graftwork/onnx.h>
#include <graftwork/pattern.h>
#include <graftwork/quantize.h>
#include <graftwork/transform.h>

#include <string_view>

namespace graftwork {

/// "0.1.0".
GRAFTWORK_API std::string_view version();

}  // namespace graftwork
