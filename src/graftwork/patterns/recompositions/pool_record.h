// Attributes that the pooling operators share.
#pragma once

#include "graftwork/patterns/recompositions/raise.h"

namespace graftwork {

/// Kernel, stride (the kernel when absent), padding and ceil_mode of a pooling operator; false when one
/// is computed in the graph.
inline bool fill_pool(const Node& node, ModuleRecord& record) {
  const auto kernel = integers_of(node, "kernel_size", 2, 0);
  const auto padding = integers_of(node, "padding", 2, 0);
  const Attribute* given = node.attrs().find("stride");
  const auto* list = given ? given->get<std::vector<int64_t>>() : nullptr;
  const bool stride_given = given && !(list && list->empty());
  const auto stride = stride_given ? integers_of(node, "stride", 2, 0) : kernel;
  if (!kernel || !stride || !padding) return false;
  record.attrs.set("kernel_size", *kernel);
  record.attrs.set("stride", *stride);
  if (*padding != std::vector<int64_t>{0, 0}) record.attrs.set("padding", *padding);
  if (flag_of(node, "ceil_mode", false)) record.attrs.set("ceil_mode", true);
  return true;
}

inline Outcome raise_max_pool(Graft& graft, Node& old, Node& pool) {
  ModuleRecord record = module_at(pool, "nn.MaxPool2d");
  const auto dilation = integers_of(pool, "dilation", 2, 1);
  if (!fill_pool(pool, record) || !dilation) return declined("its window is computed in the graph");
  if (*dilation != std::vector<int64_t>{1, 1}) record.attrs.set("dilation", *dilation);
  return raise_to(graft, old, std::move(record), {&pool.input(0)});
}

}  // namespace graftwork
