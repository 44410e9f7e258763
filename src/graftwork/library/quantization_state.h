// A quantized network with all that is known of it.
#pragma once

#include <graftwork/quantize.h>

#include <map>

#include "graftwork/quant/quantize.h"

namespace graftwork {

struct __attribute__((visibility("hidden"))) QuantizationResult::State {
  core::QuantizationResult result;
  /// Whether training changes a stored tensor, by name.
  std::map<std::string, bool> trainable;
  Network model;
};

namespace detail {

/// What was made of `network`.
QuantizationResult result_of(const Network& network, core::QuantizationResult result);

}  // namespace detail
}  // namespace graftwork
