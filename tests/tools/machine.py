"""How fast this machine is at the moment: limits of processor time are said for one of ordinary speed."""

import json
import time

#: One of ordinary speed reads the text below in so many seconds of processor time, with Python 3.11.
ORDINARY_SECONDS = 0.030


def slowness():
    """How many times as long as one of ordinary speed it takes; at least 1, at most 4."""
    text = json.dumps([{"name": f"n{i}", "sizes": [i, 3, 8, 8], "scale": i / 7} for i in range(20_000)])
    taken = []
    for _ in range(3):
        begun = time.process_time()
        json.loads(text)
        taken.append(time.process_time() - begun)
    return min(max(sorted(taken)[1] / ORDINARY_SECONDS, 1), 4)
