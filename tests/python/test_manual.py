"""The manual page and the completions say what help says: every subcommand, option, and word that an option takes."""

import re
import shutil
import subprocess

import pytest

from installation import run

HELP_LINE = re.compile(r"^  (?:(-\w),)?(--[\w-]+)(?: (\S+))?", re.M)


@pytest.fixture(scope="module")
def helped(graftwork):
    """Subcommand to its options: each with its short name, its long one and what stands behind it."""
    names = re.findall(r"^  (\w+) {2,}\S", graftwork("--help").stdout.split("Subcommands:")[1], re.M)
    assert "quantize" in names
    return {name: HELP_LINE.findall(graftwork(name, "--help").stdout) for name in names}


@pytest.fixture(scope="module")
def manual(graftwork):
    folder = graftwork.path.parents[1] / "manual"
    return {path.name: path.read_text() for path in folder.iterdir()}


def words_of(behind):
    """TYPE:{fp16,bf16}=fp16: the words that it takes."""
    found = re.search(r"\{(.+)\}", behind)
    return found[1].split(",") if found else []


def sections(page):
    """The subcommands' parts of the manual page, without its markup."""
    text = re.sub(r"\\f[BIR]", "", page).replace("\\-", "-").replace("\\&", "")
    parts = re.split(r"^\.S[SH] (\w+).*$", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_the_page_has_every_option(helped, manual):
    found = sections(manual["graftwork.1"])
    for subcommand, options in helped.items():
        assert f"graftwork {subcommand} [options] MODEL" in found["SYNOPSIS"]
        assert len(options) >= 2
        for short, long, behind in options:
            entry = re.search(rf"^{short + ', ' if short else ''}{long}( .*)?\n(.*)$", found[subcommand], re.M)
            assert entry, (subcommand, long)
            assert all(word in found[subcommand] for word in words_of(behind))


def test_the_page_has_the_examples_and_what_torch_is_used(helped, manual):
    found = sections(manual["graftwork.1"])
    for subcommand in helped:
        assert re.search(rf"^  graftwork {subcommand} ", found[subcommand], re.M)
    assert "GRAFTWORK_TORCH" in found["ENVIRONMENT"]


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_the_page_is_well_formed(graftwork):
    page = graftwork.path.parents[1] / "manual" / "graftwork.1"
    done = subprocess.run(["groff", "-man", "-ww", "-z", "-Tutf8", page], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_zsh_and_fish_know_every_option(helped, manual):
    for subcommand, options in helped.items():
        (branch,) = re.findall(rf"^    {subcommand}\)\n(.*?);;", manual["_graftwork"], re.M | re.S)
        condition = f"-n '__fish_seen_subcommand_from {subcommand}'"
        lines = [line for line in manual["graftwork.fish"].splitlines() if condition in line]
        for short, long, behind in options:
            assert f"{long}[" in branch
            assert not short or f"{short}[" in branch
            (line,) = [line for line in lines if f" -l {long[2:]} " in line]
            assert not short or f" -s {short[1]} " in line
            if words_of(behind):
                words = " ".join(words_of(behind))
                assert f"({words})" in branch
                assert f"-a '{words}'" in line


def complete(graftwork, *words, cwd=None):
    """What bash offers for the last of the words behind `graftwork`."""
    script = graftwork.path.parents[1] / "manual" / "graftwork.bash"
    line = " ".join(f"'{word}'" for word in ("graftwork", *words))
    code = (
        f'source {script}; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _graftwork; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    return run("bash", "-c", code, cwd=cwd).split()


def test_bash_offers_what_help_has(graftwork, helped):
    assert set(complete(graftwork, "")) == {*helped, "--help", "-h", "--version"}
    for subcommand, options in helped.items():
        names = {name for short, long, _ in options for name in (short, long) if name}
        assert set(complete(graftwork, subcommand, "-")) == names
        for short, long, behind in options:
            if words_of(behind):
                for name in filter(None, (short, long)):
                    assert complete(graftwork, subcommand, name, "") == words_of(behind)


def test_bash_offers_files_where_they_belong(graftwork, tmp_path):
    (tmp_path / "net.pt2").touch()
    assert complete(graftwork, "inspect", "n", cwd=tmp_path) == ["net.pt2"]
    assert complete(graftwork, "quantize", "net.pt2", "--calibrate", "", cwd=tmp_path) == ["net.pt2"]
    assert complete(graftwork, "quantize", "net.pt2", "--limit", "", cwd=tmp_path) == []
    assert complete(graftwork, "quantize", "net.pt2", "--fl", cwd=tmp_path) == ["--float"]


@pytest.mark.parametrize(
    ("shell", "file"), [("bash", "graftwork.bash"), ("zsh", "_graftwork"), ("fish", "graftwork.fish")]
)
def test_a_shell_reads_its_completion(graftwork, shell, file):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    run(shell, "-n", graftwork.path.parents[1] / "manual" / file)
