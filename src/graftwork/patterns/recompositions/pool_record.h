// Attributes that the pooling operators share.
#pragma once

#include <algorithm>

#include "graftwork/base/text.h"
#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork::core {

/// 2 for "aten.max_pool2d.default".
inline size_t spatial_of(Symbol pooling) {
  const std::string& name = pooling.str();
  return static_cast<size_t>(name[name.find("pool") + 4] - '0');
}

/// Kernel, stride (the kernel when absent), padding and ceil_mode of a pooling operator; false when one
/// is computed in the graph.
inline bool fill_pool(const Node& node, ModuleRecord& record) {
  const size_t spatial = spatial_of(node.op());
  const auto kernel = integers_of(node, "kernel_size", spatial, 0);
  const auto padding = integers_of(node, "padding", spatial, 0);
  const Attribute* given = node.attrs().find("stride");
  const auto* list = given ? given->get<std::vector<int64_t>>() : nullptr;
  const bool stride_given = given && !(list && list->empty());
  const auto stride = stride_given ? integers_of(node, "stride", spatial, 0) : kernel;
  if (!kernel || !stride || !padding) return false;
  record.attrs.set("kernel_size", *kernel);
  record.attrs.set("stride", *stride);
  set_attr(record, "padding", *padding);
  return static_cast<bool>(copy_attr(record, "ceil_mode", node));
}

inline Outcome raise_max_pool(Graft& graft, Node& old, Node& pool) {
  const size_t spatial = spatial_of(pool.op());
  ModuleRecord record = module_at(pool, cat("nn.MaxPool", spatial, "d"));
  const auto dilation = integers_of(pool, "dilation", spatial, 1);
  if (!fill_pool(pool, record) || !dilation) return declined("its window is computed in the graph");
  set_attr(record, "dilation", *dilation);
  return raise_to(graft, old, std::move(record), {&pool.input(0)});
}

/// `kind` "nn.AdaptiveAvgPool" or "nn.AdaptiveMaxPool", without its dimensions.
inline Outcome raise_adaptive_pool(Graft& graft, Node& old, Node& pool, const char* kind) {
  const size_t spatial = spatial_of(pool.op());
  const auto size = integers_of(pool, "output_size", spatial, 0);
  if (!size) return declined("its output size is computed in the graph");
  const TensorType* x = pool.input(0).tensor();
  const bool is_known = !x || x->rank() < spatial ||
                        std::all_of(x->dims.end() - static_cast<std::ptrdiff_t>(spatial), x->dims.end(),
                                    [](const Dim& dim) { return dim.is_static(); });
  if (!is_known && *size != std::vector<int64_t>(spatial, 1)) return declined("its windows are known at run time only");
  ModuleRecord record = module_at(pool, cat(kind, spatial, "d"));
  record.attrs.set("output_size", *size);
  return raise_to(graft, old, std::move(record), {&pool.input(0)});
}

}  // namespace graftwork::core
