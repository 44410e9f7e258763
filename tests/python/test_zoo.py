"""The representative third of the zoo (tests/zoo); `make zoo` runs all of it."""

import pytest

import golden_line
from check import Failure, check, check_nvidia
from expected_failures import EXPECTED_FAILURES
from networks import NETWORKS

THIRD = [name for name, network in NETWORKS.items() if network.in_tests]


@pytest.fixture(scope="module")
def checked(graftwork, tmp_path_factory):
    """checked(NAME): the network through every stage but NVIDIA's compiler, once; an expected failure is an xfail."""
    made = {}

    def get(name):
        if name not in made:
            try:
                made[name] = check(graftwork, name, tmp_path_factory.mktemp(name))
            except Failure as failure:
                made[name] = failure
        if isinstance(made[name], Failure):
            if EXPECTED_FAILURES.get(name) == str(made[name]):
                pytest.xfail(str(made[name]))
            pytest.fail(str(made[name]), pytrace=False)
        return made[name]

    return get


@pytest.mark.parametrize("name", THIRD)
def test_network(checked, request, name):
    result = checked(name)
    assert name not in EXPECTED_FAILURES, "it passes: take it off tests/zoo/expected_failures.py"
    print(f"{name}: {result.sqnr:.1f} dB")
    if request.config.getoption("--update"):
        golden_line.write({name: result.line})
    assert golden_line.difference(result.line) == ""


@pytest.mark.rtx
@pytest.mark.parametrize("name", THIRD)
def test_nvidias_compiler_runs_what_is_quantized_in_int8(rtx, checked, name):
    int8, products, _ = check_nvidia(rtx, checked(name))
    print(f"{name}: {int8} of {products} products in INT8")


def test_the_lists_name_networks_of_the_zoo():
    assert set(EXPECTED_FAILURES) <= set(NETWORKS)
    assert set(golden_line.read()) == set(NETWORKS) - set(EXPECTED_FAILURES)
