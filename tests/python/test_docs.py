"""The console sessions of docs/: run again, line by line, in a folder of their own."""

import os
import re
import subprocess
import sys

import pytest

import support

BLOCK = re.compile(r"```(gir|gpat|python|console|cpp)(?: (\S+))?\n(.*?)```", re.S)
# page: the file that a ```gir or ```python block without a name is
PAGES = {"plans.md": "net.gir", "data.md": "make.py", "recipe.md": "make.py", "patterns.md": ""}


@pytest.mark.parametrize("page", PAGES)
def test_sessions_print_what_the_page_shows(graftwork, tmp_path, page):
    text = (support.ROOT / "docs" / page).read_text()
    path = f"{graftwork.path.parent}{os.pathsep}{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"
    commands = 0
    for language, name, body in BLOCK.findall(text):
        if language in ("gir", "gpat", "python"):
            (tmp_path / (name or PAGES[page])).write_text(body)
            continue
        if language == "cpp":
            assert body in (support.ROOT / "examples" / "backend" / "main.cpp").read_text()
            continue
        for session in re.split(r"^\$ ", body, flags=re.M)[1:]:
            command, _, shown = session.partition("\n")
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=tmp_path,
                env={**os.environ, "PATH": path},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=support.TIMEOUT,
                check=False,
            )
            assert done.stdout == shown, f"$ {command}"
            commands += 1
    assert commands >= 5
