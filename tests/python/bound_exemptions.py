"""Numbers of the code that are called a most, a largest or a longest and are no row of docs/bounds.md, with the reason.

A folder stands for all of it, a file for all of it, `file:kName` for one number; paths are those below src/graftwork.
"""

EXEMPT = {
    "beyond it an operator has no ONNX form, as many others have none (export.unsupported)": ["export/"],
    "beyond it an operator is not taken apart, and stays what it is": [
        "import/captured/decompose/",
    ],
    "beyond it what is computed of stored tensors stays an operator": [
        "import/common/constant_folding.cpp:kMostOnTheWay",
        "ir/param_expr.cpp:kMaxDepth",
        "nn/allowed_operators.cpp:kMostNorm",
        "ir/param_expr.cpp:kMaxSize",
    ],
    "beyond it a pattern does not match": [
        "ir/reads_behind.cpp:kMost",
        "match/matcher.h:kMaxSteps",
        "patterns/attention/",
        "patterns/tensorrt/",
    ],
    "beyond it a size is not known, and a result has a number for its name": [
        "import/pt2/result_names.cpp:kDeepest",
        "ir/dim_value.cpp:kDepthLimit",
        "ir/dim_value.cpp:kMostExact",
    ],
    "how much of a list or name is shown, or compared": [
        "cli/torch/progress.cpp:kLongestBar",
        "cli/torch/quantize/page_data.cpp",
        "patterns/explain.cpp:kMostSuggestions",
        "patterns/text/names.cpp:kLongestShown",
        "patterns/text/operators.cpp:kLongestName",
        "patterns/text/reader.cpp:kLongestShown",
    ],
    "an option or a variable of the user's, no file": [
        "cli/launcher/options/",
        "cli/torch/threads.cpp",
    ],
    "how the work is done: a piece, a try, a wait, a search of ours": [
        "archive/inflate.cpp:kMostAtOnce",
        "base/part_file.cpp",
        "cli/output/watched_files.cpp:kLongestWait",
        "cli/torch/torchrun.cpp:kLargestPart",
        "library/helper_program.cpp:kMostLevels",
        "onnx/data_file.cpp:kLongest",
        "onnx/external_locations.cpp",
        "quant/channel_mean.cpp:kLargest",
        "quant/gptq/second_moments.cpp:kLargest",
        "quant/half_probe.cpp:kLargestCone",
        "quant/histogram.cpp:kMostAtOnce",
        "quant/inputs/",
        "quant/pushed/pushed_quantization.cpp",
        "quant/rescaling/",
        "quant/rounding/",
        "quant/shared_scales.cpp:kLargestRatio",
    ],
    "what our own helper program says": ["library/helper_program.cpp:kMostText"],
    "a number of a format or of arithmetic, that nothing can be beyond": [
        "archive/zip_directory.cpp:kMostDeflated",
        "archive/zip_format.h:kMaxCommentSize",
        "base/atomic_file.cpp:kMostLinks",
        "data/image/decode_jpeg.cpp:kLongestMarker",
        "nn/operator_cost.cpp:kMost",
        "nn/fake_quant.cpp:kLargestE4m3",
        "nn/half.h:kLargestHalf",
    ],
    "shapes of files that we wrote ourselves": ["onnx/shapes_windows.cpp:kMost"],
    "asked of tensors without elements, while an operator is taken apart or its shape is computed": [
        "nn/meta_kernels.cpp:kMost",
    ],
}
