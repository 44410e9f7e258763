"""What the tests of the installed tree share: installing it, and building projects of others against it."""

import os
import subprocess
import sys
from pathlib import Path

import torch

import support

TORCH = Path(torch.__file__).parent
CXX = os.environ.get("CXX", "g++")
# Without the test's own settings: no other torch, and programs of the system and of this Python only.
PLAIN = {name: value for name, value in os.environ.items() if name not in ("GRAFTWORK_TORCH", "LD_LIBRARY_PATH")}
PLAIN["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def run(*command, cwd=None, env=None):
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=PLAIN | (env or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=support.TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


def files(folder):
    """Every file and link below, relative, in order."""
    found = [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]
    return sorted(path.relative_to(folder).as_posix() for path in found)


def naming_this_machine(folder, *places):
    """Files below that hold the path of the source tree, of torch or of `places`, and links to absolute paths."""
    names = [bytes(Path(place)) for place in (support.ROOT, TORCH, *places)]
    found = []
    for file in files(folder):
        path = folder / file
        if path.is_symlink():
            found += [file] if path.readlink().is_absolute() else []
        elif any(name in path.read_bytes() for name in names):
            found.append(file)
    return found


def fake_torch(folder, version):
    """What looks like a torch package of that version until it is opened."""
    major, minor, patch = version.split(".")
    numbers = {"MAJOR": major, "MINOR": minor, "PATCH": patch}
    lines = [f"#define TORCH_VERSION_{name} {number}" for name, number in numbers.items()]
    texts = {
        "version.py": f"__version__ = '{version}+cpu'\n",
        "__init__.py": "",
        "lib/libtorch_cpu.so": "no library",
        "include/ATen/ATen.h": "",
        "include/torch/headeronly/version.h": "\n".join(lines) + "\n",
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder
