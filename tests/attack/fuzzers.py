"""Clang's libFuzzer on every reader, on operators and on whole archives: any bytes, a result or an Error.

A crash, a sanitizer's report, a hang or too much memory is a finding. What `scripts/fuzz.sh` has built is run as it
stands; where it was never built the cases are skipped, and counted.
"""

import re
import subprocess
import time

from attack.frame import BUILD, ROOT

#: A case is so many executions of one target. Of eleven cases ten are of targets without torch.
EXECUTIONS = 1000
COUNT = 11_000
SHARD = 22

WITH_TORCH = ("operators", "pt2")
LIMITS = ("-timeout=5", "-rss_limit_mb=1024", "-malloc_limit_mb=256", "-max_len=20000")
#: Short files and libFuzzer's plain schedule: several times as many executions a second. Whole networks are mutated by
#: `mutations`.
LIMITS_WITH_TORCH = ("-timeout=20", "-rss_limit_mb=4096", "-max_len=12000", "-entropic=0")
#: What libFuzzer takes for its own peak is that of whoever started it, where that was more.
FROM_A_SMALL_PROCESS = ("sh", "-c", '"$@"; exit $?', "sh")
#: A target that goes on finding things is left alone.
MOST_FINDINGS = 20


def targets():
    sources = sorted((ROOT / "tests" / "fuzz").glob("*.cpp"))
    names = [
        path.stem for path in sources if "int LLVMFuzzerTestOneInput" in path.read_text() and path.stem != "driver"
    ]
    return [name for name in names if name not in WITH_TORCH]


def target_of(case, plain):
    if case % 11 == 10:
        return WITH_TORCH[case // 11 % len(WITH_TORCH)]
    return plain[(case - case // 11) % len(plain)]


def attack(run):
    plain = targets()
    cases = {}
    for case in run.cases():
        cases.setdefault(target_of(case, plain), []).append(case)
    for name, own in sorted(cases.items()):
        fuzz(run, name, own)


def fuzz(run, name, cases):
    has_torch = name in WITH_TORCH
    build = BUILD / ("fuzz-torch" if has_torch else "fuzz")
    program, seeds = build / "bin" / f"fuzz_{name}", build / "tests" / "fuzz" / "seeds" / name
    wanted = len(cases) * EXECUTIONS
    if not program.exists():
        run.skip("a fuzz target is not built: scripts/fuzz.sh, and scripts/fuzz.sh torch, build them", wanted)
        return
    corpus = BUILD / "fuzz" / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    executed, start = 0, time.monotonic()
    for attempt in range(MOST_FINDINGS):
        found = run.folder / f"{name}-{attempt}"
        found.mkdir()
        limits = LIMITS_WITH_TORCH if has_torch else LIMITS
        options = (f"-runs={wanted - executed}", f"-seed={cases[0] + attempt + 1}", f"-artifact_prefix={found}/")
        folders = (corpus, seeds) if seeds.exists() else (corpus,)
        done = subprocess.run(
            [*FROM_A_SMALL_PROCESS, program, *options, *limits, "-print_final_stats=1", *folders],
            capture_output=True, text=True, errors="replace", check=False, cwd=run.folder,
        )  # fmt: skip
        executed += statistic("number_of_executed_units", done.stderr)
        if done.returncode != 0:
            lines = re.findall(r"^.*(?:ERROR|runtime error|what\(\)).*$", done.stderr, re.M)
            run.find(cases[0], f"{name} {attempt}", lines[0] if lines else done.stderr[-300:], found)
        if executed >= wanted:
            break
    run.done(executed)
    run.notes.append(f"{name}: {executed} executions, {executed / (time.monotonic() - start):.0f} a second")


def statistic(name, log):
    """Of a run that ended early too; a run that died before its first input has none."""
    found = re.search(rf"^stat::{name}: *(\d+)", log, re.M)
    return int(found[1]) if found else 0
