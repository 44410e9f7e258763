#include "graftwork/patterns/recompositions/conv_record.h"

#include "graftwork/base/text.h"
#include "graftwork/ir/kind.h"

namespace graftwork::core {
namespace {

/// On both sides of each dimension; `extra` gets what padding="same" adds at the end alone, as aten.pad takes it.
std::optional<std::vector<int64_t>> padding_of(const Node& node, const std::vector<int64_t>& kernel,
                                               const std::vector<int64_t>& dilation, std::vector<int64_t>& extra) {
  const Attribute* attr = node.attrs().find("padding");
  const std::string* word = attr ? attr->get<std::string>() : nullptr;
  if (!word) return integers_of(node, "padding", kernel.size(), 0);
  std::vector<int64_t> padding(kernel.size(), 0);
  if (*word == "valid") return padding;
  for (size_t i = 0; i < kernel.size(); ++i) {
    const int64_t total = dilation[i] * (kernel[i] - 1);
    padding[i] = total / 2;
    if (total % 2 == 0) continue;
    extra.resize(2 * kernel.size(), 0);
    extra[2 * (kernel.size() - 1 - i) + 1] = 1;
  }
  return padding;
}

}  // namespace

std::vector<Symbol> convolution_operators() {
  return {"aten.conv1d.default",           "aten.conv2d.default",         "aten.conv3d.default",
          "aten.conv1d.padding",           "aten.conv2d.padding",         "aten.conv3d.padding",
          "aten.conv_transpose1d.default", "aten.conv_transpose2d.input", "aten.conv_transpose3d.input",
          "aten.convolution.default"};
}

Outcome read_conv(const Node& node, const ParamExpr& weight, RaisedConv& raised) {
  if (weight.type().rank() < 3 || weight.type().rank() > 5) return declined("its weight is " + weight.type().text());
  const ParamExpr* bias = parameter_input(node, 2);
  if (node.input_count() > 2 && !bias) return declined("its bias is computed in the graph");

  const size_t spatial = weight.type().rank() - 2;
  const bool transposed = node.op().str().starts_with("aten.conv_transpose") || flag_of(node, "transposed", false);
  const auto groups = integers_of(node, "groups", 1, 1);
  const auto stride = integers_of(node, "stride", spatial, 1);
  const auto dilation = integers_of(node, "dilation", spatial, 1);
  const auto output_padding = integers_of(node, "output_padding", spatial, 0);
  if (!stride || !dilation || !output_padding)
    return declined("its stride, dilation or output padding is computed in the graph");
  if (!groups) return declined("the number of its groups is computed in the graph");
  std::vector<int64_t> kernel;
  for (size_t i = 0; i < spatial; ++i) kernel.push_back(weight.type().dims[i + 2].value());
  const auto padding = padding_of(node, kernel, *dilation, raised.pad_in_front);
  if (!padding) return declined("its padding is computed in the graph");

  ModuleRecord& record = raised.record;
  record = module_at(node, cat(transposed ? "nn.ConvTranspose" : "nn.Conv", spatial, "d"));
  const int64_t rows = weight.type().dims[0].value();
  const int64_t columns = (weight.type().dims[1] * Dim(groups->front())).value();
  record.attrs = {{"in_channels", transposed ? rows : columns},
                  {"out_channels", transposed ? columns : rows},
                  {"kernel_size", kernel}};
  set_attr(record, "stride", *stride);
  set_attr(record, "padding", *padding);
  set_attr(record, "dilation", *dilation);
  set_attr(record, "groups", groups->front());
  if (transposed) set_attr(record, "output_padding", *output_padding);
  record.set_param("weight", weight);
  if (bias) record.set_param("bias", *bias);
  return applied();
}

Outcome replace_by_conv(Graft& graft, Node& node, Node& x, RaisedConv raised) {
  Node* input = &x;
  if (!raised.pad_in_front.empty())
    input = &graft.call_function("aten.pad.default", {&x}, {{"pad", raised.pad_in_front}});
  return raise_to(graft, node, std::move(raised.record), {input});
}

}  // namespace graftwork::core
