"""Jobs in forked processes. Of one that dies or hangs, what it had not reported is halved and tried again."""

import multiprocessing
import time
from multiprocessing.connection import wait

TIMEOUT = 600  # seconds without a word
CONTEXT = multiprocessing.get_context("fork")


def run(work, job, sender):
    for done in work(job):
        sender.send(done)
    sender.send(None)


class Running:
    def __init__(self, work, job):
        self.job, self.done = job, {}
        self.receiver, sender = CONTEXT.Pipe(duplex=False)
        self.process = CONTEXT.Process(target=run, args=(work, job, sender), daemon=True)
        self.process.start()
        sender.close()
        self.heard = time.monotonic()

    def receive(self):
        """What the process says; EOFError when it died."""
        said = self.receiver.recv()
        self.heard = time.monotonic()
        if isinstance(said, list):
            self.job = said
            return {}
        self.done.update(said or {})
        return said

    def end(self):
        self.process.kill()
        self.process.join()
        self.receiver.close()


def run_all(work, jobs, count):
    """Yields what `work(job)` yields for each of the jobs, `count` at a time: dicts of outcomes by key.

    A job is a list of keys, or of what `work` says the keys of, as a list, first of all. A key whose process dies
    alone is yielded as "crash".
    """
    waiting, running = list(reversed(jobs)), []
    while waiting or running:
        while waiting and len(running) < count:
            running.append(Running(work, waiting.pop()))
        ready = wait([one.receiver for one in running], timeout=5)
        for one in list(running):
            died = time.monotonic() - one.heard > TIMEOUT
            if one.receiver in ready:
                try:
                    said = one.receive()
                except EOFError:
                    died = True
                else:
                    if said is not None:
                        yield said
                        continue
            elif not died:
                continue
            one.end()
            running.remove(one)
            if not died:
                continue
            left = [key for key in one.job if key not in one.done]
            if len(left) == 1:
                yield {left[0]: "crash: of torch, ONNX Runtime or the checker"}
            elif left:
                waiting += [left[len(left) // 2 :], left[: len(left) // 2]]
