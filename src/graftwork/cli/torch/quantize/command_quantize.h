// `graftwork quantize`: from a network and samples to an INT8 ONNX file.
#pragma once

#include "graftwork/cli/requests.h"

namespace graftwork::core::cli {

/// Writes the file and, where asked, the report; both whole or not at all. Prints a summary unless quiet.
void quantize(const QuantizeRequest& request);

}  // namespace graftwork::core::cli
