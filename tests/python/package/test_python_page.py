"""docs/python.md: its blocks run in order, and print what stands behind them."""

import contextlib
import io

import pytest

import pages


@pytest.mark.filterwarnings("ignore:ranges of")
def test_blocks_print_what_the_page_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names, printed, shown = {}, "", 0
    for block in pages.blocks("docs/python.md"):
        if block.language == "python":
            assert printed == "", "what a block prints stands behind it"
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(block.body, f"docs/python.md, {block.heading}", "exec"), names)
            printed = out.getvalue()
        elif block.language == "text":
            assert printed == block.body
            printed, shown = "", shown + 1
    assert printed == ""
    assert shown >= 6
