"""Networks that cannot pass yet, by name: the exact text of the failure. The list is strict: an entry that passes, or
that fails with another text, fails the zoo."""

NO_FORM = "quantize: error[export.unsupported]: "
STRIDED_VIEW = (  # a view behind transpose and contiguous, the latter removed
    "transformed: error[nn.run]: view size is not compatible with input tensor's size and stride "
    "(at least one dimension spans across two contiguous subspaces). Use .reshape(...) instead.: aten.view.default ×1"
)

EXPECTED_FAILURES = {
    "activations": NO_FORM
    + "aten.celu.default ×1, aten.glu.default ×1, aten.log_sigmoid.default ×1, aten.selu.default ×1, "
    "aten.softplus.default ×1",
    "convnext_atto_timm": NO_FORM + "aten.layer_norm.default ×17",
    "convnext_tiny": NO_FORM + "aten.layer_norm.default ×23",
    "convnext_v2": NO_FORM + "aten.layer_norm.default ×17, aten.linalg_vector_norm.default ×12",
    "crnn": NO_FORM + "aten.log_softmax.int ×1, aten.lstm.input ×2",
    "dbnet": NO_FORM + "aten.upsample_nearest2d.vec ×7",
    "deeplab": NO_FORM + "aten.upsample_bilinear2d.vec ×3",
    # One squeeze convolution, 4 to 96 channels on one pixel: the compiler makes it part of a generated kernel.
    "efficientnet_b0": "nvidia: 81 products run in INT8, 82 are quantized",
    # A window of 1280×1280, larger than the map, is average pooling over all of it; the file says it literally.
    "efficientnet_transformers": "nvidia: refused: AveragePool efficientnet.pooler",
    "group_norm": NO_FORM
    + "aten.group_norm.default ×4, aten.instance_norm.default ×1, aten.upsample_bilinear2d.vec ×1",
    "inception_v3": "accuracy: an output of the INT8 file is below 20 dB",
    "keyword_spotter": NO_FORM + "aten.adaptive_avg_pool1d.default ×1, aten.max_pool1d.default ×1",
    "mobilenet_v2_transformers": "float: error[export.unsupported]: aten.dropout_.default ×1",
    "r3d18": NO_FORM + "aten.adaptive_avg_pool3d.default ×1, aten.max_pool3d.default ×1",
    "rfb_face": STRIDED_VIEW,
    "shufflenet_v2": STRIDED_VIEW,
    "spelled_out": NO_FORM
    + "aten.gt.Scalar ×1, aten.max.other ×1, aten.softplus.default ×1, aten.where.self ×1, aten.zeros_like.default ×1",
    "style_transfer": NO_FORM + "aten.instance_norm.default ×9, aten.upsample_nearest2d.vec ×2",
    "super_resolution": NO_FORM + "aten.pixel_shuffle.default ×2, aten.upsample_bilinear2d.vec ×1",
    "trained_quantized": NO_FORM + "aten.conv2d.default ×4, aten.fake_quantize_per_channel_affine.default ×4, "
    "aten.fake_quantize_per_tensor_affine.default ×1, aten.fake_quantize_per_tensor_affine.tensor_qparams ×6, "
    "aten.linear.default ×1",
    "yolo": NO_FORM + "aten.upsample_nearest2d.vec ×2",
}


def is_expected(name, failure):
    return EXPECTED_FAILURES.get(name) == str(failure)


def passes_against_expectation(name, with_nvidia):
    """What to say of a network that passed, or nothing. A failure in NVIDIA's compiler needs the compiler to show."""
    reason = EXPECTED_FAILURES.get(name)
    if reason is None or (reason.startswith("nvidia: ") and not with_nvidia):
        return ""
    return "it passes: take it off tests/zoo/expected_failures.py"


def without_golden_line():
    """The networks that fail before there is a golden line to compare."""
    return {name for name, reason in EXPECTED_FAILURES.items() if not reason.startswith("nvidia: ")}
