// Classes of samples, beside what a network says they are.
#pragma once

#include <ATen/ATen.h>

#include <span>
#include <vector>

#include "graftwork/nn/tensor_store.h"
#include "graftwork/quant/sample_source.h"

namespace graftwork::core {

/// Classes of the samples that are measured, and the output that tells them.
struct Labels {
  size_t output = 0;               ///< Of the signature: the one with most classes.
  int64_t classes = 0;             ///< Its extent.
  std::vector<int64_t> of_sample;  ///< One for each sample of the source.
};

/// The output with most classes: of shape [samples, classes] in what one run gives; of several the first. Throws Error
/// "data.labels" where there is none, or where a label is no class of it.
Labels labels_for(std::span<const at::Tensor> results, std::vector<int64_t> of_sample);

/// The same by one run on the first samples. Throws Error "data.labels" too where there are more or fewer labels than
/// samples; "nn.*", "data.*".
Labels labels_for(const Network& network, const SampleSource& source, std::vector<int64_t> of_sample);

}  // namespace graftwork::core
