"""Fixtures: the command, the exported networks, their quantized files, goldens, NVIDIA's compiler."""

import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

import command_server
import pages
import rtx_compile
import support

GOLDEN = Path(__file__).parent / "golden"


# What is started here is sent signals, and inherits what whoever started the tests ignores (nohup, a background).
for number in (signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser):
    parser.addoption(
        "--update", action="store_true", help="write goldens, counts and excerpts instead of comparing them"
    )


@pytest.fixture(scope="session")
def started():
    """The command, started anew each time as its users do. Where processes, their memory or files are the matter, a
    module's own `graftwork` is this one."""
    path = Path(os.environ.get("GRAFTWORK_COMMAND", support.ROOT / "build" / "bin" / "graftwork"))
    if not path.exists():
        pytest.fail(f"{path} does not exist; run `make build` or set GRAFTWORK_COMMAND", pytrace=False)
    return support.Graftwork(path.resolve())


@pytest.fixture(scope="session")
def graftwork(started, tmp_path_factory):
    answering = started.path.parent / "graftwork_command_server"
    if not answering.exists():  # as beside an installed command
        yield started
        return
    server = command_server.Server(answering, tmp_path_factory.mktemp("commands"), seconds=support.TIMEOUT)
    yield support.Graftwork(started.path, server)
    server.close()


@pytest.fixture
def small(graftwork, tmp_path):
    torch.manual_seed(0)
    return support.Small(graftwork, tmp_path)


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """exported(NAME): a network of the zoo as .pt2 with its data, made once a session."""
    folder, made = tmp_path_factory.mktemp("exported"), {}

    def get(name):
        if name not in made:
            made[name] = support.export(name, folder / name)
        return made[name]

    return get


@dataclass(frozen=True)
class Quantized:
    path: Path
    report: dict


@pytest.fixture(scope="session")
def quantized(graftwork, exported, tmp_path_factory):
    """quantized(NAME, *options): what `graftwork quantize` writes for it, made once a session for the same options."""
    folder, made = tmp_path_factory.mktemp("quantized"), {}

    def get(name, *options):
        key = (name, *map(str, options))
        if key not in made:
            source = exported(name)
            path, report = folder / f"{len(made)}_{name}.onnx", folder / f"{len(made)}_{name}.json"
            graftwork(
                "quantize", source.path, "--calibrate", source.calibration, *options, "--report", report, "-o", path
            )
            made[key] = Quantized(path, json.loads(report.read_text()))
        return made[key]

    return get


@pytest.fixture
def golden(request):
    """golden(FILE, text): compares with tests/python/golden/FILE, or writes it under --update."""

    def check(file, text):
        path = GOLDEN / file
        if request.config.getoption("--update"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        assert path.exists(), f"no golden {file}; run pytest with --update and read what it wrote"
        assert text == path.read_text(), f"{file} differs; if that is wanted, run pytest with --update"

    return check


@pytest.fixture
def excerpt(request):
    """excerpt(PAGE, LEAD, text): the page's block behind the paragraph that begins so is this text.

    `structure` takes away what may differ from machine to machine. Under --update the text is written into the page.
    """

    def check(page, lead, text, structure=str):
        shown = pages.block(page, lead)
        if request.config.getoption("--update") and structure(text) != structure(shown.body):
            pages.replace(shown, text)
            shown = pages.block(page, lead)
        wrong = f"{page} shows something else under {lead!r}; pytest --update writes what is printed"
        assert structure(text) == structure(shown.body), wrong

    return check


@pytest.fixture(scope="session")
def rtx():
    """NVIDIA's compiler. Skips where it was not asked for; where it was (WITH_RTX=1), its absence is a failure."""
    try:
        rtx_compile.load()
    except rtx_compile.Unavailable as why:
        if os.environ.get("WITH_RTX") == "1":
            pytest.fail(str(why), pytrace=False)
        pytest.skip("NVIDIA's compiler is not installed (WITH_RTX=1 make setup)")
    return rtx_compile
