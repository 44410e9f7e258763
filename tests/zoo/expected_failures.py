"""Networks that cannot pass yet, by name: the exact text of the failure. The list is strict: an entry that passes, or
that fails with another text, fails the zoo."""

LOST = "nvidia: quantized, but run in floating point: "

EXPECTED_FAILURES = {
    # One expansion of a squeeze block, 4 to 96 channels on one pixel: the compiler puts it into a generated kernel.
    "efficientnet_b0": f"{LOST}blocks.1.0.se.conv_expand",
    "efficientnet_transformers": f"{LOST}efficientnet.encoder.blocks.1.squeeze_excite.expand",
    "efficientnet_cc": f"{LOST}blocks.1.0.se.conv_expand",
    # The gates' convolutions, from one channel to one, over the channels of the picture: the same.
    "eca": f"{LOST}gates.0.conv, gates.1.conv, gates.2.conv",
    # The two layers that read the points have three channels and see one point at a time: the same.
    "pointnet": f"{LOST}turn.points.0.0, low.0",
    # Its first convolution scales one channel by 32 numbers, one by one: the compiler runs it with what follows.
    "wavenet": f"{LOST}first",
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
