#include "graftwork/patterns/lists.h"

#include "graftwork/patterns/recompositions/patterns.h"

namespace graftwork::core {

PatternList recompositions() {
  return {make_raise_conv_pattern(),
          make_raise_linear_pattern(),
          make_raise_addmm_pattern(),
          make_raise_matmul_pattern(),
          make_raise_batch_norm_pattern(),
          make_raise_decomposed_batch_norm_pattern(),
          make_raise_activation_pattern(),
          make_raise_max_pool_pattern(),
          make_raise_decomposed_max_pool_pattern(),
          make_raise_avg_pool_pattern(),
          make_raise_adaptive_avg_pool_pattern(),
          make_raise_spelled_out_silu_pattern(),
          make_raise_spelled_out_hardsigmoid_pattern(),
          make_raise_spelled_out_hardswish_pattern(),
          make_raise_spelled_out_mish_pattern(),
          make_raise_spelled_out_quick_gelu_pattern(),
          make_raise_spelled_out_gelu_pattern(),
          make_raise_spelled_out_tanh_gelu_pattern(),
          make_raise_layer_norm_pattern(),
          make_raise_group_norm_pattern(),
          make_raise_instance_norm_pattern(),
          make_raise_rms_norm_pattern(),
          make_raise_spelled_out_rms_norm_pattern(),
          make_raise_upsample_pattern(),
          make_raise_pixel_shuffle_pattern(),
          make_raise_adaptive_max_pool_pattern(),
          make_raise_quantized_layer_pattern(),
          make_raise_quant_stub_pattern(),
          make_raise_spelled_out_relu_pattern(),
          make_raise_spelled_out_leaky_relu_pattern(),
          make_raise_spelled_out_sigmoid_pattern(),
          make_raise_mean_pattern(),
          make_raise_add_pattern(),
          make_raise_flatten_pattern(),
          make_raise_dropout_pattern()};
}

}  // namespace graftwork::core
