#include "graftwork/patterns/tensorrt/tensorrt.h"

#include "graftwork/ir/kinds/activation.h"
#include "graftwork/patterns/attention/patterns.h"
#include "graftwork/patterns/conversions/patterns.h"
#include "graftwork/patterns/tensorrt/quantizations/patterns.h"
#include "graftwork/patterns/tensorrt/smoothings/patterns.h"
#include "graftwork/patterns/tensorrt/text.h"
#include "graftwork/patterns/text/parse.h"

namespace graftwork::core {
namespace {

/// Rule C2; nearest resizing does not move data, as DQ does not cross it.
PlacementRules placement_rules() {
  PlacementRules rules;
  rules.moves_data = {"nn.Flatten",
                      "nn.PixelShuffle",
                      "nn.PixelUnshuffle",
                      "nn.ChannelShuffle",
                      "aten.view.default",
                      "aten.reshape.default",
                      "aten.permute.default",
                      "aten.transpose.int",
                      "aten.unsqueeze.default",
                      "aten.squeeze.dim",
                      "aten.squeeze.dims",
                      "aten.flatten.using_ints",
                      "aten._unsafe_view.default"};
  rules.keeps_codes = {
      "aten.cat.default",     "aten.chunk.default",  "aten.split.Tensor",   "aten.split_with_sizes.default",
      "aten.slice.Tensor",    "aten.select.int",     "aten.expand.default", "get_item",
      "nn.MaxPool1d",         "nn.MaxPool2d",        "nn.MaxPool3d",        "nn.AdaptiveMaxPool1d",
      "nn.AdaptiveMaxPool2d", "nn.AdaptiveMaxPool3d"};
  rules.fills_zeros = {"aten.masked_fill.Scalar"};
  rules.stops_dq = {"nn.Upsample",          "nn.AvgPool1d",         "nn.AvgPool2d",        "nn.AvgPool3d",
                    "nn.AdaptiveAvgPool1d", "nn.AdaptiveAvgPool2d", "nn.AdaptiveAvgPool3d"};
  for (const Symbol activation : fusible_activations()) rules.stops_dq.push_back(activation);
  rules.fp8_kernel = fp8_kernel_exists;
  rules.layer_reads = "reads INT8 (rule W1)";
  rules.elementwise_reads = "reads INT8 (rule F15)";
  rules.residual_reads = "the residual operand decides the precision of the sum (rule F3)";
  rules.weight_is_quantized = "per output channel (rule V11)";
  rules.both_sides_rule = " (rule W1)";
  rules.weight_only_rule = " (rule Q1)";
  rules.stops_dq_rule = " (rule C2)";
  rules.shared_scale_rule = " (rule C5)";
  return rules;
}

/// The kernels that the text defines: the program's own, which printed graphs need not define.
std::shared_ptr<const KindTable> built_in(const KindTable& kinds) {
  std::vector<Kind> kernels;
  for (const std::shared_ptr<const Kind>& kind : kinds.all()) {
    if (!kind->body) continue;
    kernels.push_back(*kind);
    kernels.back().definition_place.clear();
  }
  return KindTable::torch()->with(std::move(kernels), int8_kernel_exists);
}

/// What its parser and its compiler were seen to take.
FileRules file_rules() {
  FileRules rules;
  rules.highest_opset = 25;
  rules.products_take_scales_of_one_type = true;
  rules.pixel_convolutions_as_products = true;
  rules.narrow_channels = 4;
  rules.only_casts_uint8 = true;
  rules.missing_types = {DType::kI16};
  rules.lacks_dilated_pools = true;
  rules.lacks_strided_dilated_deconvolutions = true;
  rules.lacks_softmax_of_vectors = true;
  rules.lacks_reducing_scatters = true;
  rules.misreads_edge_group_norms = true;
  return rules;
}

Backend make_backend() {
  Backend backend;
  backend.name = "tensorrt";
  PatternSections conversions =
      parse_pattern_sections(tensorrt_conversions_text(), "tensorrt/conversions.gpat", KindTable::torch());
  PatternSections fusions = parse_pattern_sections(tensorrt_fusions_text(), "tensorrt/fusions.gpat", conversions.kinds);
  backend.conversions = std::move(conversions.conversions);
  backend.conversions.push_back(make_linear_bias_pattern());
  backend.conversions.push_back(make_sdpa_pattern());
  backend.conversions.push_back(make_decompose_multihead_attention_pattern());
  backend.conversions.push_back(make_packed_projection_pattern());
  backend.conversions.push_back(make_decompose_swin_attention_pattern());
  backend.conversions.push_back(make_equal_heads_pattern());
  backend.conversions.push_back(make_split_single_head_pattern());
  backend.fusions = std::move(fusions.fusions);
  backend.fusions.push_back(
      make_kernel_of_pattern("MHAInProjectionPattern", "MHAInProjection", "FusedMHAInProjection"));
  backend.fusions.push_back(
      make_kernel_of_pattern("MHACrossProjectionPattern", "MHACrossProjection", "FusedMHACrossProjection"));
  backend.fusions.push_back(
      make_kernel_of_pattern("FuseSDPAPattern", "ScaledDotProductAttention", "FusedScaledDotProductAttention"));
  backend.fusions.push_back(make_kernel_of_pattern("SwinAttentionPattern", "SwinAttention", "FusedSwinAttention"));
  backend.kinds = built_in(*fusions.kinds);
  backend.smoothings = {make_norm_smoothing_pattern(), make_attention_smoothing_pattern()};
  backend.quantizations = {
      make_residual_pattern(), make_act_add_stubs_pattern(),  make_global_pool_pattern(),
      make_concat_pattern(),   make_squeeze_excite_pattern(), make_packed_product_pattern(),
      make_angle_pattern(),    make_constant_layer_pattern(), make_surround_with_quant_stubs_pattern()};
  backend.placement = placement_rules();
  backend.precisions = {"int8", "fp8", "int4"};
  backend.float_types = {"fp16", "bf16", "fp32"};
  backend.file = file_rules();
  return backend;
}

}  // namespace

const Backend& tensorrt_backend() {
  static const Backend backend = make_backend();
  return backend;
}

const PatternList& tensorrt_conversions() { return tensorrt_backend().conversions; }
const PatternList& tensorrt_fusions() { return tensorrt_backend().fusions; }

PatternList tensorrt_patterns() {
  PatternList patterns = tensorrt_conversions();
  patterns.insert(patterns.end(), tensorrt_fusions().begin(), tensorrt_fusions().end());
  return patterns;
}

}  // namespace graftwork::core
