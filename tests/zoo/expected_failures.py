"""Networks that cannot pass yet, by name: the exact text of the failure. The list is strict: an entry that passes, or
that fails with another text, fails the zoo."""

EXPECTED_FAILURES = {}


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
