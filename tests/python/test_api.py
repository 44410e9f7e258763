"""The page of the C++ interface: doxygen makes it of the headers without a warning; signatures are a golden."""

import shutil
import subprocess
import sys

import pytest

import support
from installation import run


@pytest.fixture(scope="module")
def xml(tmp_path_factory):
    if not shutil.which("doxygen"):
        pytest.skip("doxygen is not installed (scripts/setup.sh docs)")
    folder = tmp_path_factory.mktemp("api")
    settings = (support.ROOT / "docs" / "api" / "Doxyfile").read_text() + f"OUTPUT_DIRECTORY = {folder}\n"
    done = subprocess.run(
        ["doxygen", "-"], input=settings, cwd=support.ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return folder / "xml"


def listed(xml, *options):
    return run(sys.executable, support.ROOT / "scripts" / "api_signatures.py", xml, *options)


def test_signatures(xml, golden):
    golden("api_signatures.txt", listed(xml))


def test_types_and_functions_are_explained(xml):
    assert listed(xml, "--undocumented") == ""


def test_internals_are_not_on_the_page(xml):
    assert "core::" not in listed(xml)
