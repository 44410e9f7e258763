"""The first cases of every target of `make attack` find nothing."""

import pytest

from attack import run

TARGETS = run.targets()


@pytest.mark.parametrize("name", TARGETS)
def test_first_cases(graftwork, name):
    done = run.attack(name, TARGETS[name], 0, TARGETS[name].SHARD)
    assert not done.findings, "\n".join(f"case {f.case}: {f.kind}: {f.what}" for f in done.findings[:20])
    if not done.executions:
        pytest.skip(", ".join(done.skipped) or "nothing was run")


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_says_what_it_does(name):
    module = TARGETS[name]
    assert module.__doc__
    assert 0 < module.SHARD < module.COUNT
