"""Which of torch's operators are tested, and what is said about some of them."""

from pathlib import Path

# As torch names its samples; a name stands for all its variants. taken.txt holds the core ATen operators that have
# samples and what else networks contain when they are exported without decomposition.
TAKEN = Path(__file__).with_name("taken.txt").read_text().split()

DTYPES = {"f32": "float32", "f16": "float16", "i64": "int64", "i32": "int32", "bool": "bool"}

# What takes complex numbers: those of float32 stand for it.
OF_COMPLEX = {"istft", "fft.irfft"}

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
    **dict.fromkeys(("sym_numel", "sym_size", "sym_storage_offset", "sym_stride"), "numbers, not tensors"),
    "_embedding_bag": "for training; samples contain _embedding_bag_forward_only",
    "_native_batch_norm_legit_no_training": "of decompositions; samples contain native_batch_norm",
    "adaptive_avg_pool1d": "a name for adaptive_avg_pool2d, seen in exported networks only",
    "avg_pool1d": "a name for avg_pool2d, seen in exported networks only",
    "copy": "of functionalization; samples contain copy_",
    "empty_strided": "its values are whatever the memory holds",
    "slice_scatter": "a name for slice and copy_, seen in exported networks only",
}

# Operators of which less than nine tenths pass, with the reason.
BELOW = {}
