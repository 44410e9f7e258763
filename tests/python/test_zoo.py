"""The representative third of the zoo (tests/zoo); `make zoo` runs all of it."""

import pytest

import golden_line
from check import LARGEST_BODY_COUNT, Failure, check, check_nvidia, compile_by_nvidia
from expected_failures import EXPECTED_FAILURES, is_expected, passes_against_expectation, without_golden_line
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
            if is_expected(name, made[name]):
                pytest.xfail(str(made[name]))
            pytest.fail(str(made[name]), pytrace=False)
        return made[name]

    return get


@pytest.mark.parametrize("name", THIRD)
def test_network(checked, request, name):
    result = checked(name)
    assert passes_against_expectation(name, with_nvidia=False) == ""
    print(f"{name}: {result.sqnr:.1f} dB")
    if request.config.getoption("--update"):
        golden_line.write({name: result.line})
    assert golden_line.difference(result.line) == ""


@pytest.mark.rtx
@pytest.mark.parametrize("name", THIRD)
def test_nvidias_compiler_runs_what_is_quantized_in_int8(rtx, checked, request, name):
    result = checked(name)
    try:
        compiled = compile_by_nvidia(rtx, result.onnx)
        line = golden_line.compiled_line(name, compiled)
        print(line)
        if request.config.getoption("--update"):
            golden_line.write({name: line}, golden_line.COMPILED)
        assert golden_line.difference(line, golden_line.COMPILED) == ""
        check_nvidia(compiled)
    except Failure as failure:
        if is_expected(name, failure):
            pytest.xfail(str(failure))
        pytest.fail(str(failure), pytrace=False)
    assert passes_against_expectation(name, with_nvidia=True) == ""


def test_the_networks_share_bodies(checked):
    results = [checked(name) for name in THIRD if name not in without_golden_line()]
    bodies = frozenset().union(*(result.bodies for result in results))
    print(f"{len(bodies)} kernel bodies in {len(results)} networks")
    assert 5 < len(bodies) < LARGEST_BODY_COUNT


def test_the_lists_name_networks_of_the_zoo():
    assert set(EXPECTED_FAILURES) <= set(NETWORKS)
    assert set(golden_line.read()) == set(NETWORKS) - without_golden_line()
    assert set(golden_line.read(golden_line.COMPILED)) == set(NETWORKS) - without_golden_line()
