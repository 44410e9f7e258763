"""What befalls a process: signals at moments of chance to either of its two halves, few threads, little memory, files
that may not grow, closed and full outputs. Outputs are the old ones or the new ones, both of them and whole; nothing is
left beside them; the exit status says which, a failure is one message, and none is a defect."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

from attack.frame import COMMAND
from hostile import seeds

COUNT = 500
SHARD = 20

QUANTIZE = ["quantize", "m.pt2", "--calibrate", "x.npy", "-o", "o.onnx", "--report", "r.json"]
COMPARE = ["compare", "m.pt2", "q.onnx", "--calibrate", "x.npy", "--data", "x.npy", "--quiet"]
OUTPUTS = ("o.onnx", "r.json")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
#: Nothing holds these between two outputs.
CRASHES = (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS)
USER = 23456  #: whose processes are counted apart
#: Several, so that threads have something to share, and work enough that signals meet it.
SAMPLES = 4000


def attack(run):
    inputs = run.folder / "inputs"
    inputs.mkdir(parents=True)
    run.folder.chmod(0o755)
    inputs.chmod(0o755)
    (inputs / "m.pt2").write_bytes(seeds.archive())
    (inputs / "x.npy").write_bytes(seeds.samples(SAMPLES))
    expected, seconds = reference(run, inputs)
    for case in run.cases():
        folder = run.folder / str(case)
        folder.mkdir()
        folder.chmod(0o777)
        for name in ("m.pt2", "x.npy"):
            (folder / name).symlink_to(inputs / name)
        for name in OUTPUTS:
            (folder / name).write_bytes(b"old")
            (folder / name).chmod(0o666)
        kind = KINDS[case % len(KINDS)]
        if met := kind(run, run.random(case), folder, seconds):
            judge(run, case, folder, expected, *met)
            run.done()


def reference(run, inputs):
    """The outputs as they are without harm, and how long that takes."""
    folder = run.folder / "reference"
    folder.mkdir()
    for name in ("m.pt2", "x.npy"):
        (folder / name).symlink_to(inputs / name)
    begin = time.monotonic()
    subprocess.run([COMMAND, *QUANTIZE, "--quiet"], cwd=folder, check=True)
    return [contents(folder / name) for name in OUTPUTS], time.monotonic() - begin


def contents(path):
    """Reports say how long it took."""
    body = path.read_bytes()
    if path.suffix != ".json" or body == b"old":
        return body
    try:
        report = json.loads(body)
    except ValueError:
        return body
    return {key: value for key, value in report.items() if "second" not in key and "time" not in key}


def start(folder, before=None, arguments=QUANTIZE, **how):
    given = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, **how}
    return subprocess.Popen([COMMAND, *arguments], cwd=folder, preexec_fn=before, **given)


def ignoring(number):
    return lambda: signal.signal(number, signal.SIG_IGN)


def too_late(run, process):
    """Nothing was met, which proves nothing."""
    finish(process)
    run.skip("the command had ended")


def finish(process):
    _, said = process.communicate(timeout=120)
    return process.returncode, (said or b"").decode(errors="replace")


def child_of(process):
    """The half that works, where it has been started."""
    try:
        found = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    except OSError:
        return None
    return int(found[0]) if found else None


# Each gives the exit status, what was said, the statuses beside 0 and 1 that it may have, and whether it may have ended
# between two outputs.


def to_the_command(run, random, folder, seconds):
    number = random.choice(SIGNALS)
    # What is ignored is inherited, and the system keeps no end of a child then.
    process = start(folder, random.choice([None, ignoring(signal.SIGCHLD)]))
    time.sleep(random.uniform(0, 1.1 * seconds))
    if process.poll() is not None:
        return too_late(run, process)
    process.send_signal(number)
    return *finish(process), {-number, 130}, number in CRASHES


def to_the_child(run, random, folder, seconds):
    number = random.choice([*SIGNALS, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGXCPU])
    process = start(folder)
    time.sleep(random.uniform(0, 1.1 * seconds))
    child = child_of(process)
    if not child or process.poll() is not None:
        return too_late(run, process)
    os.kill(child, number)
    return *finish(process), {-number, 130}, number in CRASHES


def stops(process, seconds):
    """Nothing where it ends before."""
    last = time.monotonic() + seconds
    while time.monotonic() < last:
        if process.poll() is not None:
            return None
        if Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T":
            return True
        time.sleep(0.01)
    return False


def stopped_for_a_while(run, random, folder, seconds):
    """Or not, where that is ignored; and it ends as it would have."""
    ignored = random.random() < 0.3
    process = start(folder, ignoring(signal.SIGTSTP) if ignored else None, process_group=0)
    time.sleep(random.uniform(0, seconds))
    if process.poll() is not None:
        return too_late(run, process)
    process.send_signal(signal.SIGTSTP)
    stopped = stops(process, 0.2 if ignored else 20)
    if stopped is None:
        return too_late(run, process)
    if stopped == ignored:
        run.find(int(folder.name), "stop", f"ignored: {ignored}, stopped: {stopped}", folder)
    process.send_signal(signal.SIGCONT)
    return *finish(process), set()


def during_compare(run, random, folder, seconds):
    """What runs the file goes with the command, and so does the folder with the samples."""
    number, temporary = random.choice(SIGNALS), folder / "temporary"
    temporary.mkdir()
    (folder / "q.onnx").symlink_to(run.folder / "reference" / "o.onnx")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = start(folder, arguments=COMPARE, env={**os.environ, "PATH": path, "TMPDIR": str(temporary)})
    while not list(temporary.glob("*/log.txt")) and process.poll() is None:
        time.sleep(0.002)
    time.sleep(random.uniform(0, seconds))
    if process.poll() is not None:
        return too_late(run, process)
    process.send_signal(number)
    status, said = finish(process)
    for _ in range(200):
        if not list(temporary.glob("graftwork-*")):
            break
        time.sleep(0.05)
    else:
        run.find(int(folder.name), "samples left", f"{number}: {list(temporary.rglob('*'))}", folder)
    if (status, "error[" in said) not in {(0, False), (130, True), (-number, False)}:
        run.find(int(folder.name), f"status {status}", said, folder)
    run.done()
    return None


def few_threads(run, random, folder, seconds):
    if os.geteuid() != 0:
        run.skip("only root may become another user")
        return None
    processes = random.randint(1, 40)

    def become():
        resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))
        os.setgid(USER)
        os.setuid(USER)

    threads = str(random.choice([1, 2, 3, 16, 64]))
    before = dict(os.environ)
    os.environ.update(OMP_NUM_THREADS=threads, MKL_NUM_THREADS=threads, MKL_DYNAMIC="FALSE")
    try:
        return *finish(start(folder, become)), set()
    finally:
        os.environ.clear()
        os.environ.update(before)


def little_memory(run, random, folder, seconds):
    bytes_ = random.randint(50, 2500) << 20
    what = random.choice([resource.RLIMIT_AS, resource.RLIMIT_DATA])
    # A library that does not fit is no file that can be opened: the loader's own message (127) is as good.
    return *finish(start(folder, lambda: resource.setrlimit(what, (bytes_, bytes_)))), {127}


def files_that_may_not_grow(run, random, folder, seconds):
    size = random.choice([0, 1, 100, 1000, random.randint(0, 20_000), random.randint(0, 200_000)])
    return *finish(start(folder, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))), set()


def few_descriptors(run, random, folder, seconds):
    count = random.randint(3, 24)
    return *finish(start(folder, lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (count, count)))), {127}


def outputs_that_fail(run, random, folder, seconds):
    closed = [number for number in (0, 1, 2) if random.random() < 0.4]

    def close():
        for number in closed:
            os.close(number)

    with open("/dev/full", "w") as full:
        return *finish(start(folder, close, stdout=full if random.random() < 0.5 else subprocess.DEVNULL)), set()


KINDS = (
    to_the_command,
    to_the_child,
    stopped_for_a_while,
    during_compare,
    few_threads,
    little_memory,
    files_that_may_not_grow,
    few_descriptors,
    outputs_that_fail,
)


def judge(run, case, folder, expected, status, said, others, anywhere=False):
    kind = KINDS[case % len(KINDS)].__name__
    what = f"{kind}: status {status}: {said.strip()[-300:]}"
    if status not in {0, 1, *others}:
        run.find(case, f"status {status}", what, folder)
    if said.count("error[") > 1 or any(word in said for word in ("defect", "terminate called", "what():")):
        run.find(case, "words", what, folder)
    states = []
    for name, new in zip(OUTPUTS, expected, strict=True):
        now = contents(folder / name)
        states.append("old" if now == b"old" else "new" if now == new else "neither")
    if "neither" in states or (len(set(states)) > 1 and not anywhere):
        run.find(case, "outputs " + "/".join(states), what, folder)
    if status == 0 and "old" in states:
        run.find(case, "nothing written", what, folder)
    left = {path.name for path in folder.iterdir()} - {"m.pt2", "x.npy", *OUTPUTS}
    if left and not (status == -signal.SIGKILL or "process.killed" in said):
        run.find(case, "left behind", f"{sorted(left)}: {what}", folder)
