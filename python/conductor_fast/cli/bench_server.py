"""The server of `conductor-fast bench` as a program: the dev server, whose queue does not run empty.

Prints its URL, then answers each line on stdin with a line: `count` with how many tasks were completed so
far, `check` with how many of those that it still knows gave back something else than their input.
"""

from __future__ import annotations

import sys
import threading

from conductor_fast.cli.bench_clients import INPUT, TASK_TYPE
from conductor_fast.testing import DevServer

_READY = 4_000
# 4,000 tasks in 10 ms would be 400,000 a second.
_PAUSE = 0.01
_MOST_ENDED = 20_000


def main() -> None:
    """Serve until stdin is closed."""
    forgotten = 0
    lock = threading.Lock()

    def fill() -> None:
        nonlocal forgotten
        pause = threading.Event()
        while not pause.wait(_PAUSE):
            missing = _READY - server.count(TASK_TYPE, "SCHEDULED")
            if missing > _READY // 4:
                server.push_many(TASK_TYPE, INPUT, missing)
            if server.count(TASK_TYPE, "COMPLETED") > _MOST_ENDED:
                with lock:
                    forgotten += server.forget_terminal()

    with DevServer(transcript_capacity=0) as server:
        threading.Thread(target=fill, daemon=True).start()
        print(server.url, flush=True)  # noqa: T201 # whoever started it reads
        for line in sys.stdin:
            if line.strip() == "count":
                with lock:
                    answer = forgotten + server.count(TASK_TYPE, "COMPLETED")
            else:
                ended = server.tasks(TASK_TYPE, "COMPLETED")
                answer = sum(task["outputData"] != INPUT for task in ended) + server.count(
                    TASK_TYPE, "FAILED"
                )
            print(answer, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
