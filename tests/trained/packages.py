"""Files and modules of the packages that `make accuracy` installs; what is missing is said, never downloaded here."""

import importlib
import importlib.util
from pathlib import Path

from public import placeholders

ROOT = Path(__file__).resolve().parents[2]
SOUNDS = ROOT / ".venv" / "share" / "sounds"


class Missing(Exception):  # noqa: N818
    """A package is not installed."""


def file_of(module, path):
    """A file in the folder of a package, which is not imported for that."""
    found = importlib.util.find_spec(module)
    if found is None:
        raise Missing(f"the package of {module} is not installed (scripts/setup.sh trained)")
    return Path(found.submodule_search_locations[0]) / path


def module_of(name, *absent):
    """The module `name`, imported with placeholders for what it imports and building its network never calls."""
    if importlib.util.find_spec(name.partition(".")[0]) is None:
        raise Missing(f"the package of {name} is not installed (scripts/setup.sh trained)")
    with placeholders(*absent):
        return importlib.import_module(name)


def recordings_of(speaker):
    """The .wav files of one of the folders that Debian's asterisk-core-sounds-* hold, sorted."""
    folder = SOUNDS / "usr" / "share" / "asterisk" / "sounds" / speaker
    if not folder.is_dir():
        raise Missing(f"no sounds of {speaker} (scripts/setup.sh trained, which needs apt-get)")
    return sorted(folder.glob("*.wav"))
