"""What the targets of `make attack` share: cases by number, command servers, findings."""

import collections
import random
import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from command_server import Server

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build"
#: What lasts from one run to the next: findings, totals, networks that were exported once.
KEPT = BUILD / "attack"
SERVER = BUILD / "bin" / "graftwork_command_server"
COMMAND = BUILD / "bin" / "graftwork"

#: What opening a file may cost above the command that opens none (SECURITY.md).
OPENING_KIB = 200 * 1024
OPENING_KIB_PER_BYTE = 10 / 1024
OPENING_SECONDS = 1.0
OPENING_SECONDS_PER_BYTE = 10e-9

#: Words of a failure that nobody meant.
TRACES = (
    "terminate called",
    "what():",
    "Assertion",
    "ASSERT FAILED",
    "internal error",
    "defect",
    "Sanitizer",
    "Exception raised from",
)


@dataclass(frozen=True)
class Finding:
    case: int
    kind: str  #: what is counted: "signal 11", "exit 70", "slow", ...
    what: str
    kept: Path | None  #: a copy of the folder that shows it


class Attack:
    """One run of a target: cases `first` to `first + count`, each the same whenever it has the same number."""

    def __init__(self, name, first, count, folder, workers=2, keep=True):
        self.name, self.first, self.count, self.folder, self.workers, self.keep = (
            name, first, count, folder, workers, keep,
        )  # fmt: skip
        self.executions = 0
        self.skipped = collections.Counter()  #: reason to how many
        self.findings = []
        self.notes = []  #: lines for below the table: what else was measured
        self.started = time.monotonic()
        self._lock = threading.Lock()
        self.start_kib = None

    def random(self, case):
        """Numbers of chance that belong to the case."""
        return random.Random(f"{self.name}:{case}")

    def cases(self):
        return range(self.first, self.first + self.count)

    def done(self, executions=1):
        with self._lock:
            self.executions += executions

    def skip(self, reason, executions=1):
        with self._lock:
            self.skipped[reason] += executions

    def find(self, case, kind, what, folder=None):
        """What must not be. The first of each kind keeps a copy of `folder`."""
        with self._lock:
            kept = None
            if folder is not None and self.keep and all(found.kind != kind for found in self.findings):
                kept = KEPT / "findings" / self.name / f"{case}-{kind.replace(' ', '-')}"
                shutil.rmtree(kept, ignore_errors=True)
                shutil.copytree(folder, kept, symlinks=True, ignore_dangling_symlinks=True)
            self.findings.append(Finding(case, kind, what, kept))

    def judge(self, case, answer, folder, *, opened=None, statuses=(0, 1)):
        """Whether `answer` is as it may be. `opened`: bytes of the file, where opening it was all that was asked."""
        kinds = []
        if answer.status < 0:
            kinds.append("hang" if answer.status == -14 else f"signal {-answer.status}")
        elif answer.status not in statuses:
            kinds.append(f"exit {answer.status}")
        elif any(trace in answer.report for trace in TRACES):
            kinds.append("words")
        if opened is not None:
            if answer.processor_seconds > OPENING_SECONDS + OPENING_SECONDS_PER_BYTE * opened:
                kinds.append("slow")
            if answer.kib - self.start_kib > OPENING_KIB + OPENING_KIB_PER_BYTE * opened:
                kinds.append("memory")
        for kind in kinds:
            what = f"{answer.processor_seconds:.2f} s, {answer.kib // 1024} MiB: {answer.report.strip()[:300]}"
            self.find(case, kind, what, folder)
        return not kinds

    def in_servers(self, meet, **environment):
        """Calls `meet(command, folder, case)` for every case, in as many threads as there are workers.

        `command("inspect", "x.pt2")` runs one command line in the empty `folder`, which is the thread's own, and gives
        its Answer; each is an execution.
        """
        todo, broken = collections.deque(self.cases()), []
        given = (meet, todo, broken, environment)
        threads = [
            threading.Thread(target=self._work, args=(self.folder / str(i), *given), daemon=True)
            for i in range(self.workers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if broken:
            raise broken[0]

    def _work(self, folder, meet, todo, broken, environment):
        try:
            logs, own = folder / "logs", folder / "case"
            logs.mkdir(parents=True)
            own.mkdir()
            server = Server(SERVER, logs, **environment)
            with self._lock:
                if self.start_kib is None:  # what a command that opens nothing takes
                    self.start_kib = server.run(own, ("inspect", "missing.pt2", "--no-isolation")).kib

            def command(*arguments):
                self.done()
                return server.run(own, arguments)

            while not broken:
                try:
                    case = todo.popleft()
                except IndexError:
                    break
                empty(own)
                meet(command, own, case)
            server.close()
        except Exception as error:  # told by in_servers: an exception in a thread is told by nobody else
            broken.append(error)


def empty(folder):
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
