"""Which of torch's operators are tested, and what is said about some of them."""

from pathlib import Path

# As torch names its samples; a name stands for all its variants. taken.txt holds the core ATen operators that have
# samples and what else networks contain when they are exported without decomposition.
TAKEN = Path(__file__).with_name("taken.txt").read_text().split()

DTYPES = {"f32": "float32", "f16": "float16", "i64": "int64", "i32": "int32", "bool": "bool"}

# Operators whose numbers are complex by nature. They come and go as pairs of real ones; samples of other operators with
# complex numbers are left out. Of those that take nothing else, the samples of complex64 stand for float32.
COMPLEX = {"stft", "istft", "fft.rfft", "fft.rfft2", "fft.irfft"}
TAKE_COMPLEX = {"istft", "fft.irfft"}

# Samples that contain one of these are left out: ONNX has no operator for it, nor for its parts.
NOT_IN_ONNX = {"_linalg_svd": "singular values"}

# Core ATen operators that no sample contains, with the reason.
CORE_WITHOUT_SAMPLES = {
    **dict.fromkeys(
        (
            "_adaptive_avg_pool2d_backward",
            "avg_pool2d_backward",
            "convolution_backward",
            "embedding_dense_backward",
            "max_pool2d_with_indices_backward",
            "native_group_norm_backward",
            "native_layer_norm_backward",
        ),
        "backward",
    ),
    **dict.fromkeys(("native_dropout", "rand", "randn", "randperm"), "random"),
    **dict.fromkeys(
        ("sym_is_contiguous", "sym_numel", "sym_size", "sym_storage_offset", "sym_stride"), "numbers, not tensors"
    ),
    "_embedding_bag": "for training; samples contain _embedding_bag_forward_only",
    "_native_batch_norm_legit_no_training": "of decompositions; samples contain native_batch_norm",
    "adaptive_avg_pool1d": "a name for adaptive_avg_pool2d, seen in exported networks only",
    "avg_pool1d": "a name for avg_pool2d, seen in exported networks only",
    "copy": "of functionalization; samples contain copy_",
    "empty_strided": "its values are whatever the memory holds",
    "resize_": "gives memory another size, in place",
    "slice_scatter": "a name for slice and copy_, seen in exported networks only",
}

# Operators of which less than nine tenths pass, with the reason.
BELOW = {"histc": "in FP16 a number near an edge may fall to its other side"}
