"""Every hostile file of tests/hostile is refused: by the error it was made for, once, at once, and without a trace."""

import collections
import json
import os
import re
import subprocess
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

import machine
import support
from command_server import Server
from hostile import corpus

#: A refusal takes so much processor time at most, in seconds; on the clock a busy machine may take longer.
MOST_SECONDS = 0.5
MOST_SECONDS_ON_THE_CLOCK = 15
#: And so much memory above what the same command takes to say that there is no file, in KiB.
MOST_KIB = 200 * 1024
WORKERS = 2

#: Words of a failure that nobody meant.
TRACES = ("terminate called", "what():", "Assertion", "internal error", "defect", "AddressSanitizer", "runtime error")


@dataclass
class Refusal:
    """What the command did with one case."""

    family: str
    name: str
    status: int
    seconds: float
    processor_seconds: float
    kib: int
    output: str
    report: str
    left: list[str]

    @property
    def code(self):
        found = re.findall(r"^error\[([\w.]+)\]", self.report, re.M)
        return found[0] if len(found) == 1 else found


def listing(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def remove_links(folder):
    """Pipes and links of a case must not lead whoever cleans up astray."""
    for path in folder.rglob("*"):
        if path.is_symlink() or path.is_fifo() or path.is_socket():
            path.unlink()


def meet(server, folder, family, case):
    case.write(folder)
    before = listing(folder)
    answer = server.run(folder, case.arguments)
    left = sorted(set(listing(folder)) ^ set(before))
    remove_links(folder)
    return Refusal(family, case.name, left=left, **asdict(answer))


class Worker(threading.Thread):
    """Takes cases from the shared list until there is none."""

    def __init__(self, server, folder, todo, done):
        super().__init__(daemon=True)
        self.server, self.folder, self.todo, self.done = server, folder, todo, done
        self.broken = None

    def run(self):
        try:
            while self.todo:
                try:
                    index, family, case = self.todo.popleft()
                except IndexError:
                    return
                self.done[index] = meet(self.server, self.folder / str(index), family, case)
        except Exception as error:  # told by the fixture: an exception in a thread is told by nobody else
            self.broken = error


@pytest.fixture(scope="module")
def server_path(graftwork):
    path = graftwork.path.parent / "graftwork_command_server"
    assert path.exists(), f"{path} does not exist; run `make build`"
    return path


def ask_slow_ones_again(server_path, folder, cases, done):
    """Alone: what two at a time took includes how they held each other up."""
    own = folder / "alone"
    own.mkdir()
    server = Server(server_path, own)
    for attempt in ("second", "third"):
        for index, family, case in cases:
            if done[index].processor_seconds > MOST_SECONDS:
                again = meet(server, own / f"{attempt}{index}", family, case)
                done[index] = min(done[index], again, key=lambda refusal: refusal.processor_seconds)
    server.close()


@pytest.fixture(scope="module")
def refusals(server_path, tmp_path_factory):
    """(case, refusal) of the whole corpus; times and memory are kept in build/hostile.json."""
    folder = tmp_path_factory.mktemp("hostile")
    cases = [(index, *entry) for index, entry in enumerate(corpus.cases())]
    done, todo = [None] * len(cases), collections.deque(cases)
    workers = []
    for i in range(WORKERS):
        own = folder / f"worker{i}"
        own.mkdir()
        workers.append(Worker(Server(server_path, own), own, todo, done))
        workers[-1].start()
    for worker in workers:
        worker.join()
        worker.server.close()
        assert worker.broken is None, worker.broken
    ask_slow_ones_again(server_path, folder, cases, done)
    record = sorted((asdict(refusal) for refusal in done), key=lambda entry: -entry["processor_seconds"])
    for entry in record:
        entry["report"] = entry["report"][:400]
        del entry["output"]
    path = support.ROOT / "build" / "hostile.json"
    if path.parent.is_dir():
        path.write_text(json.dumps(record, indent=1))
    return [(case, refusal) for (_, _, case), refusal in zip(cases, done, strict=True)]


@pytest.fixture(scope="module")
def start_kib(server_path, tmp_path_factory):
    """Memory of the command that only says that there is no file."""
    folder = tmp_path_factory.mktemp("start")
    server = Server(server_path, folder)
    answer = server.run(folder, ("inspect", "missing.pt2"))
    server.close()
    assert answer.status == 1
    assert "file.missing" in answer.report
    return answer.kib


def told(wrong):
    """A failure that names the first few of what is wrong, and how many there are."""
    return f"{len(wrong)} wrong:\n" + "\n".join(map(str, wrong[:40]))


def meant(refusals):
    """Those that must be refused; the others are odd, and may be taken."""
    return [(case, refusal) for case, refusal in refusals if case.code is not None]


def test_there_are_many(refusals):
    assert len(meant(refusals)) >= 300


def test_none_crashes_or_hangs(refusals):
    wrong = [(r.family, r.name, r.status, r.report[:300]) for _, r in refusals if r.status not in (0, 1, 2)]
    wrong += [(r.family, r.name, r.report[:300]) for _, r in refusals if any(trace in r.report for trace in TRACES)]
    assert not wrong, told(wrong)


def test_each_is_refused_for_what_is_wrong_with_it(refusals):
    wrong = []
    for case, refusal in meant(refusals):
        if refusal.status != 1 or refusal.code != case.code or case.words not in refusal.report:
            wrong.append((refusal.family, case.name, f"expected {case.code}", refusal.status, refusal.report[:300]))
    assert not wrong, told(wrong)


def test_each_gets_one_message(refusals):
    wrong = [
        (r.family, r.name, r.report[:500])
        for _, r in refusals
        if r.status != 0 and (len(re.findall(r"^error\[", r.report, re.M)) != 1 or "warning:" in r.report or r.output)
    ]
    assert not wrong, told(wrong)


def test_none_takes_long(refusals):
    most = MOST_SECONDS * machine.slowness()
    wrong = [
        (r.family, r.name, r.processor_seconds, r.seconds)
        for _, r in refusals
        if r.processor_seconds > most or r.seconds > MOST_SECONDS_ON_THE_CLOCK
    ]
    assert not wrong, told(wrong)


def test_none_takes_much_memory(refusals, start_kib):
    wrong = [(r.family, r.name, (r.kib - start_kib) // 1024) for _, r in refusals if r.kib - start_kib > MOST_KIB]
    assert not wrong, told(wrong)


def test_none_leaves_a_trace(refusals):
    wrong = [(r.family, r.name, r.left) for _, r in refusals if r.left and r.status != 0]
    assert not wrong, told(wrong)


def test_the_command_itself_behaves_the_same(graftwork, refusals, tmp_path):
    """One case of each family without the server, started as users start it."""
    firsts = {}
    for case, refusal in meant(refusals):
        firsts.setdefault(refusal.family, (case, refusal))
    for family, (case, refusal) in firsts.items():
        folder = tmp_path / family
        case.write(folder)
        done = graftwork.fails(*case.arguments, codes=(1,), cwd=folder)
        assert done.stderr == refusal.report, family


def test_reading_a_device_that_never_ends_never_begins(graftwork, tmp_path):
    """Named directly, not through a link, and with little memory: whoever read it would run out."""
    for arguments in (
        ("inspect", "/dev/zero"),
        ("plan", "x.gir", "--quantize", "--config", "/dev/zero", "-o", "y.json"),
    ):
        (tmp_path / "x.gir").write_text("graph(%x: f32[1]) {\n  return %x\n}\n")
        done = graftwork.fails(*arguments, codes=(1,), cwd=tmp_path)
        assert "is a device, not a file" in done.stderr


def test_a_write_to_a_device_leaves_it_a_device(graftwork, tmp_path):
    """Replacing /dev/null by a file, which root could, harms the whole machine."""
    (tmp_path / "x.gir").write_text("graph(%x: f32[1]) {\n  return %x\n}\n")
    graftwork.fails("transform", "x.gir", "-o", "/dev/null", codes=(1,), cwd=tmp_path)
    assert Path("/dev/null").is_char_device()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not write")
def test_a_folder_that_may_only_be_read(graftwork, tmp_path):
    (tmp_path / "x.gir").write_text("graph(%x: f32[1]) {\n  return %x\n}\n")
    tmp_path.chmod(0o555)
    for folder in (tmp_path, *tmp_path.parents):
        if (
            folder.owner() == "root"
            and folder != Path("/")
            and folder.is_relative_to("/tmp")
            and folder != Path("/tmp")
        ):
            folder.chmod(folder.stat().st_mode | 0o555)
    done = subprocess.run(
        [graftwork.path, "transform", "x.gir", "-o", "y.gir"],
        cwd=tmp_path,
        user=65534,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "error[file.unwritable]: cannot write y.gir: Permission denied" in done.stderr
    assert listing(tmp_path) == ["x.gir"]
