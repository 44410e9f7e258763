// nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d.
#include "graftwork/base/error.h"
#include "graftwork/base/text.h"
#include "graftwork/export/module_lowering.h"

namespace graftwork {
namespace {

std::vector<std::pair<std::string, onnx::AttributeValue>> window(const ModuleCall& call) {
  const std::vector<int64_t> padding = call.integers("padding");
  return {{"ceil_mode", int64_t{call.flag("ceil_mode")}},
          {"kernel_shape", call.integers("kernel_size")},
          {"pads", std::vector<int64_t>{padding[0], padding[1], padding[0], padding[1]}},
          {"strides", call.integers("stride")}};
}

std::string max_pool(Lowering& lowering, const ModuleCall& call) {
  auto attributes = window(call);
  attributes.emplace_back("dilations", call.integers("dilation"));
  return lowering.add("MaxPool", call.path(), call.inputs, std::move(attributes), call.output);
}

std::string avg_pool(Lowering& lowering, const ModuleCall& call) {
  auto attributes = window(call);
  attributes.emplace_back("count_include_pad", int64_t{call.flag("count_include_pad")});
  return lowering.add("AveragePool", call.path(), call.inputs, std::move(attributes), call.output);
}

std::string adaptive_avg_pool(Lowering& lowering, const ModuleCall& call) {
  const std::vector<int64_t> size = call.integers("output_size");
  if (size == std::vector<int64_t>{1, 1})
    return lowering.add("GlobalAveragePool", call.path(), call.inputs, {}, call.output);
  const TensorType* input = call.input_type.tensor();
  std::vector<int64_t> kernel;
  for (size_t i = 0; i < 2 && input && input->rank() == 4; ++i) {
    const auto extent = input->dims[i + 2].maybe_value();
    if (extent && *extent % size[i] == 0) kernel.push_back(*extent / size[i]);
  }
  if (kernel.size() != 2) {
    throw Error("export.pool",
                cat("adaptive pooling of ", call.input_type.text(), " to ", size[0], "×", size[1],
                    " has windows of unequal size"),
                "a fixed input size that is a multiple of the output size");
  }
  return lowering.add("AveragePool", call.path(), call.inputs, {{"kernel_shape", kernel}, {"strides", kernel}},
                      call.output);
}

}  // namespace

ModuleLowerings pool_lowerings() {
  return {{"nn.MaxPool2d", max_pool}, {"nn.AvgPool2d", avg_pool}, {"nn.AdaptiveAvgPool2d", adaptive_avg_pool}};
}

}  // namespace graftwork
