"""Which of torch's operator samples are taken, and which never are, with the reason."""

# As torch names its samples, "name" or "name.variant"; a name alone stands for all its variants.
TAKEN = """
abs acos acosh add addbmm addcdiv addcmul addmm addmv addr alias_copy all amax amin aminmax any arange argmax argmin
argsort argwhere as_strided asin asinh atan atan2 atanh atleast_1d atleast_2d atleast_3d baddbmm bitwise_and
bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor block_diag bmm broadcast_tensors broadcast_to
bucketize cat cdist ceil chunk clamp clamp_max clamp_min clone column_stack constant_pad_nd contiguous copysign cos
cosh count_nonzero cross cummax cummin cumprod cumsum deg2rad diag diag_embed diagonal diagonal_copy diagonal_scatter
diff dist div dot dsplit dstack einsum eq erf erfc exp exp2 expand expand_as expand_copy expm1 eye fft.irfft fft.rfft
fft.rfft2 fill flatten flip fliplr flipud float_power floor floor_divide fmax fmin fmod frac full full_like gather ge
grid_sampler_2d grid_sampler_3d gt hsplit hstack hypot index_add index_copy index_fill index_put index_reduce
index_select inner isclose isfinite isin isinf isnan isneginf isposinf isreal istft kron le lerp linalg.cross
linalg.diagonal linalg.matrix_norm linalg.multi_dot linalg.norm linalg.vecdot linalg.vector_norm linspace log log10
log1p log2 log_softmax logaddexp logaddexp2 logical_and logical_not logical_or logical_xor logit logsumexp lt
masked_fill masked_scatter masked_select matmul max maximum mean meshgrid min minimum mm movedim msort mul mv
nan_to_num nanmean nansum narrow narrow_copy native_batch_norm native_group_norm native_layer_norm ne neg new_full
new_ones new_zeros nonzero norm ones ones_like outer permute permute_copy positive pow prod rad2deg ravel reciprocal
remainder repeat repeat_interleave reshape reshape_as resolve_conj resolve_neg roll rot90 round rsqrt rsub
scalar_tensor scatter scatter_add scatter_reduce searchsorted select select_scatter sgn sigmoid sign signbit sin sinc
sinh slice slice_scatter softmax sort split split_with_sizes split_with_sizes_copy sqrt square squeeze squeeze_copy
stack std std_mean stft sub sum sum_to_size t t_copy take take_along_dim tan tanh tensor_split tensordot tile to topk
trace transpose transpose_copy tril tril_indices triu triu_indices true_divide trunc unbind unbind_copy unflatten
unfold unfold_copy unravel_index unsafe_chunk unsafe_split unsqueeze unsqueeze_copy var var_mean view view_as view_copy
vsplit vstack where xlogy zeros zeros_like T mT __getitem__ __radd__ __rand__ __rdiv__ __rmatmul__ __rmod__ __rmul__
__ror__ __rpow__ __rsub__ __rxor__ bool byte char double float half int long short _upsample_bilinear2d_aa
_native_batch_norm_legit torch.ops.aten._safe_softmax.default
nn.functional.adaptive_avg_pool1d nn.functional.adaptive_avg_pool2d nn.functional.adaptive_avg_pool3d
nn.functional.adaptive_max_pool1d nn.functional.adaptive_max_pool2d nn.functional.adaptive_max_pool3d
nn.functional.avg_pool1d nn.functional.avg_pool2d nn.functional.avg_pool3d nn.functional.batch_norm
nn.functional.bilinear nn.functional.binary_cross_entropy nn.functional.binary_cross_entropy_with_logits
nn.functional.celu nn.functional.channel_shuffle nn.functional.conv1d nn.functional.conv2d nn.functional.conv3d
nn.functional.conv_transpose1d nn.functional.conv_transpose2d nn.functional.conv_transpose3d
nn.functional.cosine_similarity nn.functional.cross_entropy nn.functional.dropout nn.functional.elu
nn.functional.embedding nn.functional.embedding_bag nn.functional.gelu nn.functional.glu nn.functional.grid_sample
nn.functional.group_norm nn.functional.hardshrink nn.functional.hardsigmoid nn.functional.hardswish
nn.functional.hardtanh nn.functional.huber_loss nn.functional.instance_norm nn.functional.interpolate
nn.functional.kl_div nn.functional.l1_loss nn.functional.layer_norm nn.functional.leaky_relu nn.functional.linear
nn.functional.local_response_norm nn.functional.logsigmoid nn.functional.max_pool1d nn.functional.max_pool2d
nn.functional.max_pool3d nn.functional.mish nn.functional.mse_loss nn.functional.multi_head_attention_forward
nn.functional.nll_loss nn.functional.normalize nn.functional.one_hot nn.functional.pad
nn.functional.pairwise_distance nn.functional.pdist nn.functional.pixel_shuffle nn.functional.pixel_unshuffle
nn.functional.prelu nn.functional.relu nn.functional.relu6 nn.functional.rms_norm
nn.functional.scaled_dot_product_attention nn.functional.selu nn.functional.silu nn.functional.smooth_l1_loss
nn.functional.softmin nn.functional.softplus nn.functional.softshrink nn.functional.softsign
nn.functional.tanhshrink nn.functional.threshold nn.functional.unfold nn.functional.upsample_bilinear
nn.functional.upsample_nearest
""".split()

DTYPES = {"f32": "float32", "f16": "float16", "i64": "int64", "i32": "int32", "bool": "bool"}

# What takes complex numbers: those of float32 stand for it.
OF_COMPLEX = {"istft", "fft.irfft"}

# Of the above, what is not taken after all, with the reason.
LEFT_OUT = {}

# Operators of which less than nine tenths pass, with the reason.
BELOW = {}
