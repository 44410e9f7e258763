"""Networks that cannot pass yet, by name: the exact text of the failure. An entry that passes fails the zoo."""

EXPECTED_FAILURES = {}
