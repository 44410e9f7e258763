#include "graftwork/quant/rounding/layer_rows.h"

#include <algorithm>
#include <cmath>

#include "graftwork/base/error.h"
#include "graftwork/ir/kind.h"
#include "graftwork/nn/inference_runner.h"
#include "graftwork/quant/micro_batch.h"
#include "graftwork/quant/sample_workers.h"

namespace graftwork::core {
namespace {

/// Numbers below `total`, ascending.
std::vector<int64_t> spread(int64_t first, int64_t count, int64_t total) {
  constexpr double kGolden = 0.6180339887498949;
  std::vector<int64_t> places;
  for (int64_t i = 0; i < std::min(count, total); ++i) {
    const double share = static_cast<double>(first + i) * kGolden;
    const auto place = static_cast<int64_t>((share - std::floor(share)) * static_cast<double>(total));
    places.push_back(count < total ? place : i);
  }
  std::sort(places.begin(), places.end());
  return places;
}

}  // namespace

RowForm::RowForm(const ModuleRecord& layer) {
  const auto integer = [&](const char* name) { return *attribute_of(layer, name)->get<int64_t>(); };
  const auto integers = [&](const char* name) { return *attribute_of(layer, name)->get<std::vector<int64_t>>(); };
  if (layer.kind == Symbol("nn.Linear")) {
    inputs = integer("in_features");
    return;
  }
  groups = integer("groups");
  kernel = integers("kernel_size");
  stride = integers("stride");
  padding = integers("padding");
  dilation = integers("dilation");
  inputs = integer("in_channels") / groups;
  for (const int64_t taps : kernel) inputs *= taps;
}

int64_t RowForm::most_rows() const {
  const auto bytes = width() * static_cast<int64_t>(sizeof(float));
  return std::clamp<int64_t>(kMostRowBytes / bytes, 1, kMostRows);
}

at::Tensor RowForm::rows_of(const at::Tensor& value, int64_t first, int64_t count) const {
  if (kernel.empty()) {
    const at::Tensor rows = value.reshape({-1, inputs});
    const std::vector<int64_t> places = spread(first, count, rows.size(0));
    return rows.index_select(0, at::tensor(places, at::kLong)).to(at::kFloat).unsqueeze(0);
  }
  const auto axes = static_cast<int64_t>(kernel.size());
  std::vector<int64_t> pads, extents;
  for (int64_t axis = axes - 1; axis >= 0; --axis) pads.insert(pads.end(), 2, padding[static_cast<size_t>(axis)]);
  const at::Tensor padded = at::constant_pad_nd(value, pads);
  int64_t total = value.size(0);
  for (size_t axis = 0; axis < kernel.size(); ++axis) {
    const int64_t reach = dilation[axis] * (kernel[axis] - 1) + 1;
    extents.push_back((padded.size(static_cast<int64_t>(axis) + 2) - reach) / stride[axis] + 1);
    total *= extents.back();
  }
  std::vector<at::Tensor> rows;
  for (int64_t place : spread(first, count, total)) {
    at::Tensor patch = padded;
    for (int64_t axis = axes - 1; axis >= 0; --axis) {
      const auto at = static_cast<size_t>(axis);
      const int64_t begin = place % extents[at] * stride[at];
      place /= extents[at];
      patch = patch.slice(axis + 2, begin, begin + dilation[at] * (kernel[at] - 1) + 1, dilation[at]);
    }
    rows.push_back(patch[place].reshape({groups, inputs}));
  }
  return at::stack(rows, 1).to(at::kFloat);
}

std::vector<at::Tensor> layer_rows(const Network& network, const std::vector<LayerInputs>& layers,
                                   const std::vector<RowForm>& forms, const SampleSource& source,
                                   const std::vector<int64_t>& micro_batches, const CalibrationOptions& options) {
  const InferenceRunner runner(network, values_of(layers));
  const Batching batching = batching_of(network.module);
  const auto count = static_cast<int64_t>(micro_batches.size());
  std::vector<std::vector<at::Tensor>> parts(layers.size(), std::vector<at::Tensor>(micro_batches.size()));
  SampleWorkers(options.threads, count).run([&](int64_t index, int64_t) {
    const at::NoGradGuard no_grad;
    if (options.interrupted && options.interrupted())
      throw Error("interrupted", "stopped before the weights were rounded");
    const int64_t begin = micro_batches[static_cast<size_t>(index)] * batching.size;
    const int64_t end = std::min(begin + batching.size, source.size());
    std::vector<std::vector<at::Tensor>> found(layers.size());
    const Watcher watcher = [&](const ValueRef& seen, at::Tensor& value) {
      check_finite(seen, value, begin, end);
      for (size_t i = 0; i < layers.size(); ++i) {
        const auto calls = static_cast<int64_t>(layers[i].size());
        const int64_t share = std::max<int64_t>(forms[i].most_rows() / (count * calls), 1);
        for (int64_t call = 0; call < calls; ++call) {
          if (layers[i][static_cast<size_t>(call)] != seen || value.numel() == 0) continue;
          found[i].push_back(forms[i].rows_of(value, (index * calls + call) * share, share));
        }
      }
    };
    runner.run(filled_up(source.samples(begin, end), batching), watcher, batching.size == 1);
    for (size_t i = 0; i < layers.size(); ++i) {
      if (!found[i].empty()) parts[i][static_cast<size_t>(index)] = at::cat(found[i], 1);
    }
  });
  std::vector<at::Tensor> rows(layers.size());
  for (size_t i = 0; i < layers.size(); ++i) {
    std::erase_if(parts[i], [](const at::Tensor& part) { return !part.defined(); });
    if (!parts[i].empty()) rows[i] = at::cat(parts[i], 1);
    parts[i].clear();
  }
  return rows;
}

}  // namespace graftwork::core
