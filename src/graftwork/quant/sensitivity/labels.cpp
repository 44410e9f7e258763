#include "graftwork/quant/sensitivity/labels.h"

#include <algorithm>

#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/nn/executor.h"
#include "graftwork/quant/micro_batch.h"

namespace graftwork::core {

Labels labels_for(std::span<const at::Tensor> results, std::vector<int64_t> of_sample) {
  Labels labels{0, 0, std::move(of_sample)};
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].dim() != 2 || !results[i].is_floating_point() || results[i].size(1) <= labels.classes) continue;
    labels.output = i;
    labels.classes = results[i].size(1);
  }
  if (labels.classes == 0)
    throw Error("data.labels", "no output of the network is of shape [samples, classes]", "leaving out the labels");
  for (size_t i = 0; i < labels.of_sample.size(); ++i) {
    if (labels.of_sample[i] >= 0 && labels.of_sample[i] < labels.classes) continue;
    throw Error("data.labels",
                cat("label ", i, " is ", labels.of_sample[i], "; the classes are 0 to ", labels.classes - 1));
  }
  return labels;
}

Labels labels_for(const Network& network, const SampleSource& source, std::vector<int64_t> of_sample) {
  if (std::ssize(of_sample) != source.size())
    throw Error("data.labels",
                cat("there are ", counted(of_sample.size(), "label"), " for ",
                    counted(static_cast<size_t>(source.size()), "sample")),
                "one label for each sample that is used");
  const at::NoGradGuard no_grad;
  const Batching batching = batching_of(network.module);
  const int64_t first = std::min(batching.size, source.size());
  RunOptions how;
  how.any_batch = batching.size == 1;
  const Executor executor(network.module);
  return labels_for(executor.run(network.tensors, filled_up(source.samples(0, first), batching), how),
                    std::move(of_sample));
}

}  // namespace graftwork::core
