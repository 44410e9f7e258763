"""Two processes write different ONNX models with external data to one path at one time, and one is killed now and then.

Whoever reads the model and then the data that it names, at any moment, finds its own data or none; the model that stays
stands beside its own; and no lock of a killed process keeps the next one from writing.
"""

import collections
import re
import signal
import subprocess
import threading

from attack.frame import BUILD, empty

COUNT = 1000
SHARD = 25
WRITER = BUILD / "bin" / "graftwork_writer"
DATA = re.compile(rb"file\.[0-9a-f]{16}\.data")
SECONDS = 60


def write(folder, version):
    return subprocess.Popen([WRITER, "onnx-data", folder / "file", str(version)])


def pair(folder):
    """The model and the data that it names, as a loader reads them; None for what is not there."""
    try:
        model = (folder / "file").read_bytes()
    except FileNotFoundError:
        return None, None
    try:
        return model, (folder / DATA.search(model)[0].decode()).read_bytes()
    except FileNotFoundError:
        return model, None


def attack(run):
    folder = run.folder / "out"
    folder.mkdir(parents=True)
    whole = []
    for version in (0, 1):
        write(folder, version).wait()
        whole.append(pair(folder))
    seen = collections.Counter()

    def observe(stop, case):
        while not stop.is_set():
            model, data = pair(folder)
            seen["none" if model is None else "no data" if data is None else "a pair"] += 1
            if data is not None and (model, data) not in whole:
                run.find(case, "wrong pair", "read while two wrote", folder)

    for case in run.cases():
        chance = run.random(case)
        if case % 2:
            empty(folder)
        stop = threading.Event()
        reader = threading.Thread(target=observe, args=(stop, case))
        reader.start()
        writers = [write(folder, version) for version in chance.sample((0, 1), 2)]
        killed = case % 5 == 0
        if killed:
            stop.wait(chance.uniform(0, 0.03))
            writers[0].send_signal(signal.SIGKILL)
        for process in writers:
            try:
                if process.wait(SECONDS) != 0 and process is not writers[0]:
                    run.find(case, f"exit {process.returncode}", "of a writer that nobody stopped")
            except subprocess.TimeoutExpired:
                process.kill()
                run.find(case, "hang", "a writer waits for another", folder)
        stop.set()
        reader.join()
        run.done(2)
        if pair(folder) not in whole:
            run.find(case, "wrong pair", "stays", folder)
    run.notes.append("a reader beside them saw " + ", ".join(f"{count} times {what}" for what, count in seen.items()))
