"""The command without its start-up: graftwork_command_server answers each request by a fork."""

import os
import resource
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """What became of one command line."""

    status: int  #: of the exit, or the negative number of the signal that ended it
    seconds: float
    processor_seconds: float
    kib: int  #: resident at most
    output: str
    report: str  #: standard error


class Server:
    """Runs command lines, one after the other, in folders of their own. Logs are kept in `folder`; `addresses` are the
    bytes that each may reserve; one that takes `seconds` is ended by SIGALRM: it hangs."""

    def __init__(self, path, folder, addresses=None, seconds=20, **environment):
        self.process = subprocess.Popen(
            [path, str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            encoding="utf-8",
            env={**os.environ, **environment},
            preexec_fn=addresses and (lambda: resource.setrlimit(resource.RLIMIT_AS, (addresses, addresses))),
        )
        self.logs = folder / "stdout", folder / "stderr"

    def run(self, folder, arguments):
        self.process.stdin.write("\t".join([str(folder), *map(str, self.logs), *map(str, arguments)]) + "\n")
        self.process.stdin.flush()
        status, seconds, processor, kib = self.process.stdout.readline().split()
        output, report = (log.read_bytes().decode(errors="replace") for log in self.logs)
        return Answer(int(status), float(seconds), float(processor), int(kib), output, report)

    def close(self):
        self.process.stdin.close()
        self.process.wait()
