"""What opening a network costs: SECURITY.md says so much for its bytes, and so much for what its program names."""

import subprocess
import sys

import pytest

import machine
from hostile import long_programs

SECONDS, SECONDS_PER_BYTE, SECONDS_PER_NAME = 1.0, 10e-9, 50e-6

PROCESSOR_TIME = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:], capture_output=True).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(status, used.ru_utime + used.ru_stime, used.ru_maxrss)
"""


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (long_programs.operators(40_000), 40_000),
        (long_programs.constants(60_000), 60_000),
        (long_programs.constants(20_000, added=20_000), 40_000),
    ],
    ids=["operators", "constants", "operators on constants"],
)
def test_a_program_that_names_much(graftwork, tmp_path, content, names):
    (tmp_path / "m.pt2").write_bytes(content)
    asked = (sys.executable, "-c", PROCESSOR_TIME, graftwork.path, "inspect", "--quiet", "m.pt2")
    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=True)
    status, seconds, kilobytes = done.stdout.split()
    assert status == "0"
    most = SECONDS + SECONDS_PER_BYTE * len(content) + SECONDS_PER_NAME * names
    assert float(seconds) <= most * machine.slowness()
    assert 1024 * int(kilobytes) <= 400e6 + 10 * len(content)  # torch itself takes 150 MB
